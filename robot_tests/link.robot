*** Settings ***
Documentation    A damaged frame is reported, never classified, and forgotten within 100 ms (firmware/LINK.md): virtual
...              time on Renode, host time elsewhere.

Resource         board.resource

Test Setup       Power On
Test Teardown    Power Off
Test Template    Damage Should Be Reported And Forgotten


*** Test Cases ***    DAMAGE    ERROR
Frame Never Ends    stops    timeout
Image Is Cut Short    is cut short    length    length=${IMAGE_BYTES}    bytes=${HALF_BODY_PAYLOAD}
Only Seven Bytes Arrive    is cut short    short    after=7    bytes=7
Byte Is Altered    has an altered byte    crc
Sequence Number Is Altered    has an altered byte    crc    at=2
Last Byte Is Altered    has an altered byte    crc    at=-1
Byte Is Lost    has lost a byte    length    bytes=${{$IMAGE_BYTES - 1}}
Byte Is Repeated    has a byte too many    overlong    limit=${BODY_BYTES}
Delimiter Is Lost    has no delimiter    overlong
Delimiter Arrives Inside A Block    has no end of a block    stuffing
Rows Are Exchanged    has two rows exchanged    crc
Garbage Arrives    is garbage    length
Garbage Exceeds The Longest Frame    is garbage    overlong    bytes_=5000
Version Is Too Old    is of another version    version    sent=1    version=1    seq=77
Version Is Too New    is of another version    version    sent=3    version=3    seq=77
Command Is Unknown    has an unknown command    command    command=99    seq=77
Image Is Too Small    has a small image    size    bytes=${{$IMAGE_BYTES - 1}}    expected=${IMAGE_BYTES}    seq=77
Image Is Empty    has a small image    size    pixels=0    bytes=0
Frames Are Damaged At Random
    [Template]    NONE
    Send Randomly Damaged Frames    40
Noise Floods The Wire
    [Template]    NONE
    Flood The Wire    20000
    Classify Image    1
Requests Flood The Wire
    [Template]    NONE
    Send Requests Without A Pause    400
    Classify Image    1
