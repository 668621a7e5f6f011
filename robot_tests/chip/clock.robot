*** Settings ***
Documentation    The board runs at 72 MHz from its crystal, or at 8 MHz from the internal oscillator if the crystal is
...              dead. Boot with a dead crystal ends after 40 ms of virtual time on Renode.

Resource         ../board.resource

Test Teardown    Power Off


*** Test Cases ***
Board Runs From Its Crystal
    Power On    crystal=fitted
    Board Should Run From    crystal

Board With A Dead Crystal Answers
    Power On    crystal=dead
    Board Should Run From    internal
    Classify Image    3

Board With A Dead Crystal Refuses A Rate At Which It Would Lose Bytes
    Power On    crystal=dead
    Board Should Refuse The Baud Rate    ${500000}
    Classify Image    1

Board With A Dead Crystal Accepts The Suggested Rates
    Power On    crystal=dead
    Board Should Accept The Suggested Baud Rates
