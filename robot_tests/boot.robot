*** Settings ***
Documentation    What the board reports at boot and on request. Boot ends after 17 ms of virtual time on Renode.

Resource         board.resource

Test Setup       Power On
Test Teardown    Power Off


*** Test Cases ***
Board Boots And Passes Its Self-Test
    Boot Line Should Say    reset=power    selftest=passed

Board Reports What It Is
    Board Should Report    link=2    selftest=passed

Board Runs The Network Of The Model File
    Board Should Run The Model

Stack Stays Below Its Limit
    Classify Image    0
    Stack Should Stay Below    768

LED Blinks While The Main Loop Runs
    LED Should Blink
