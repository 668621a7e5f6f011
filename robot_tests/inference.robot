*** Settings ***
Documentation    Answers to digits of MNIST's test set: every logit equals the integer reference, bit for bit.

Resource         board.resource

Test Setup       Power On
Test Teardown    Power Off


*** Test Cases ***
Logits Of Every Class Equal The Reference
    ${recognised} =    Classify Digits Of Every Class    12
    Should Be True    ${recognised} > 0.85

Logits Of The Darkest And The Brightest Image Equal The Reference
    Classify Image Of    0
    Classify Image Of    255

Same Image Gets The Same Answer
    ${first} =    Classify Digit    7
    ${second} =    Classify Digit    7
    Should Be Equal    ${first.logits}    ${second.logits}

Class And Logits Are Readable
    FOR    ${index}    IN    0    1    2    3    # the digits 7, 2, 1 and 0
        ${answer} =    Classify Digit    ${index}
        Answer Should Be Readable    ${answer}
    END
