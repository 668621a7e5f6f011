*** Settings ***
Documentation    What a board says when it starts, and when it is asked.

Resource         board.resource

Test Setup       Power On
Test Teardown    Power Off


*** Test Cases ***
The Board Boots And Passes Its Self-Test
    Boot Line Should Say    reset=power    selftest=passed

The Board Tells What It Is
    Board Should Report    link=1    rows=28    cols=28    classes=10    selftest=passed

The Board Holds The Network Of The Model File
    Board Should Hold The Model

The Stack Has Room To Spare
    Classify Digit    0
    Stack Should Stay Below    768

The LED Shows That The Main Loop Turns
    LED Should Blink
