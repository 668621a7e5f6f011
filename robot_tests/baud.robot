*** Settings ***
Documentation    The host chooses the baud rate. The board falls back to 115200 if the host does not follow within
...              500 ms: virtual time on Renode; the wires of QEMU and the native build have no rate.

Resource         board.resource

Test Setup       Power On    crystal=fitted
Test Teardown    Power Off


*** Test Cases ***
Images Travel At 1 Megabaud
    Change The Baud Rate    ${1000000}
    Classify Images Of Every Class    2

Images Without A Pause Are All Answered At Every Rate
    Classify Images Without A Pause    3
    Change The Baud Rate    ${1000000}
    Classify Images Without A Pause    3
    Change The Baud Rate    ${2000000}
    Classify Images Without A Pause    3

Image That Arrives During The Computation Is Answered At Every Rate
    Classify An Image That Arrives During The Computation
    Change The Baud Rate    ${1000000}
    Classify An Image That Arrives During The Computation
    Change The Baud Rate    ${2000000}
    Classify An Image That Arrives During The Computation

Noise At 1 Megabaud Is Reported And Forgotten
    Change The Baud Rate    ${1000000}
    Flood The Wire    20000
    Classify Image    1

Network Starts While The Image Arrives
    Network Should Start Before The Image Is Complete
    Change The Baud Rate    ${1000000}
    Network Should Start Before The Image Is Complete

Rate Can Be Changed Back
    Change The Baud Rate    ${500000}
    Change The Baud Rate    ${115200}
    Classify Image    1

Board Falls Back If The Host Does Not Follow
    Request A Baud Rate Without Following    ${1000000}
    Classify Image    1

Host That Missed The Baud Change Connects On Its Second Request
    Change The Baud Rate    ${1000000}
    Greet At The Default Rate
    Classify Image    1

Rates Outside The Range Are Refused
    Board Should Refuse The Baud Rate    ${57600}
    Board Should Refuse The Baud Rate    ${7000000}
    Classify Image    1

Suggested Rates Are Accepted
    Board Should Accept The Suggested Baud Rates
