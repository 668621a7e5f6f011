*** Settings ***
Documentation    Many images without a reset; every logit equals the reference. 500 by default; all of MNIST's test
...              set with renode-test --variable IMAGES:10000 robot_tests/soak.robot

Resource         board.resource

Test Setup       Power On
Test Teardown    Power Off


*** Variables ***
${IMAGES}    500


*** Test Cases ***
Board Answers Image After Image
    ${recognised} =    Classify The First Images    ${IMAGES}
    Should Be True    ${recognised} > 0.5
    Board Should Report    selftest=passed
    Stack Should Stay Below    768
