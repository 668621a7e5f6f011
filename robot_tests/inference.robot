*** Settings ***
Documentation    What the board says to handwritten digits of MNIST's test set: always what the integer reference says,
...              to the last bit of every logit.

Resource         board.resource

Test Setup       Power On
Test Teardown    Power Off


*** Test Cases ***
Digits Of Every Class Are Answered As By The Reference
    ${recognised} =    Classify Digits Of Every Class    12
    Should Be True    ${recognised} > 0.85

The Darkest And The Brightest Image Are Answered As By The Reference
    Classify Image Of    0
    Classify Image Of    255

The Same Image Gets The Same Answer Again
    ${first} =    Classify Digit    7
    ${second} =    Classify Digit    7
    Should Be Equal    ${first.logits}    ${second.logits}

A Person Can Read The Class And The Logits
    FOR    ${index}    IN    0    1    2    3    # the digits 7, 2, 1 and 0
        ${answer} =    Classify Digit    ${index}
        Answer Should Be Readable    ${answer}
    END
