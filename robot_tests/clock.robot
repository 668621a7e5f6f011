*** Settings ***
Documentation    The board's clock: 72 MHz from the crystal, and an answer all the same when the crystal is dead.

Resource         board.resource

Test Teardown    Power Off


*** Test Cases ***
The Crystal Drives The Board
    Power On    crystal=fitted
    Board Should Run From    crystal

A Board With A Dead Crystal Still Answers
    Power On    crystal=dead
    Board Should Run From    internal
    Classify Digit    3

A Board With A Dead Crystal Refuses A Rate At Which It Would Lose Bytes
    Power On    crystal=dead
    Board Should Refuse The Baud Rate    ${500000}
    Classify Digit    1
