*** Settings ***
Documentation    The baud rate is the host's choice, and a board that its host cannot hear goes back to 115200.

Resource         board.resource

Test Setup       Power On    crystal=fitted
Test Teardown    Power Off


*** Test Cases ***
Images Travel At A Megabaud
    Change The Baud Rate    ${1000000}
    Classify Digits Of Every Class    2

Images Sent At Once Are All Answered At Every Speed
    Classify Digits Sent At Once    2
    Change The Baud Rate    ${1000000}
    Classify Digits Sent At Once    2
    Change The Baud Rate    ${2000000}
    Classify Digits Sent At Once    2

A Flood At A Megabaud Is Noticed
    Change The Baud Rate    ${1000000}
    Flood The Wire    20000
    Classify Digit    1

The Network Begins While The Image Arrives
    Less Than All Should Be Left To Compute After The Image
    Change The Baud Rate    ${1000000}
    Less Than All Should Be Left To Compute After The Image

The Rate Can Be Changed Back
    Change The Baud Rate    ${500000}
    Change The Baud Rate    ${115200}
    Classify Digit    1

A Host That Does Not Follow Is Heard Again
    Ask For A Baud Rate And Stay    ${1000000}
    Classify Digit    1

Another Host Is Heard At Its Second Try
    Change The Baud Rate    ${1000000}
    Begin Anew At The Default Rate
    Classify Digit    1

A Rate That There Is Not Is Refused
    Board Should Refuse The Baud Rate    ${57600}
    Board Should Refuse The Baud Rate    ${7000000}
    Classify Digit    1
