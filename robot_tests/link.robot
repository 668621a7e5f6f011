*** Settings ***
Documentation    Damage on the wire is named, never classified, and forgotten within 100 ms: firmware/LINK.md.

Resource         board.resource

Test Setup       Power On
Test Teardown    Power Off
Test Template    Damage Should Be Named And Forgotten


*** Test Cases ***    DAMAGE    ERROR
The Wire Falls Silent    stops    timeout
The Image Is Cut Short    is cut short    length    length=784    bytes=390
Hardly Anything Arrives    is cut short    short    after=7    bytes=7
A Byte Is Altered    has an altered byte    crc
The Sequence Number Is Altered    has an altered byte    crc    at=2
The Last Byte Is Altered    has an altered byte    crc    at=793
A Byte Is Lost    has lost a byte    length    bytes=783
A Byte Is Repeated    has a byte too many    overlong    limit=794
A Border Is Lost    has no border    overlong
The Border Comes Too Early    has no end of a block    stuffing
Two Rows Are Exchanged    has two blocks exchanged    crc
Garbage Arrives    is garbage    length
Much Garbage Arrives    is garbage    overlong    bytes_=5000
Another Version Of The Link    is of another version    version    version=2    seq=77
An Unknown Command    has an unknown command    command    command=99    seq=77
A Smaller Image    has a small image    size    bytes=783    expected=784    seq=77
No Image    has a small image    size    pixels=0    bytes=0
Random Damage
    [Template]    NONE
    Send Randomly Damaged Frames    40
A Flood Of Noise
    [Template]    NONE
    Flood The Wire    20000
    Classify Digit    1
A Flood Of Requests
    [Template]    NONE
    Ask Without A Pause    400
    Classify Digit    1
