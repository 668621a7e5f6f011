*** Settings ***
Documentation    Answers to images of the model's test set: every logit equals the integer reference, bit for bit.

Resource         board.resource

Test Setup       Power On
Test Teardown    Power Off


*** Test Cases ***
Logits Of Every Class Equal The Reference
    ${recognised} =    Classify Images Of Every Class    12
    Should Be True    ${recognised} > 0.5

Logits Of The Darkest And The Brightest Image Equal The Reference
    Classify Image Full Of    0
    Classify Image Full Of    255

Same Image Gets The Same Answer
    ${first} =    Classify Image    7
    ${second} =    Classify Image    7
    Should Be Equal    ${first.logits}    ${second.logits}

Class And Logits Are Readable
    FOR    ${index}    IN    0    1    2    3
        ${answer} =    Classify Image    ${index}
        Answer Should Be Readable    ${answer}
    END
