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

A Person Can Read The Answer
    Classify Digit    0
    Lines Should Have Been
    ...    Image data received successfully
    ...    Starting inference...
    ...    Predicted class: 7
    ...    Logits:
    ...    Class 0: -9.16
    ...    Class 1: -9.16
    ...    Class 2: -9.16
    ...    Class 3: -9.16
    ...    Class 4: -9.16
    ...    Class 5: -9.16
    ...    Class 6: -9.16
    ...    Class 7: 9.16
    ...    Class 8: -9.16
    ...    Class 9: -9.16
    ...    Ready for next image
