*** Settings ***
Documentation    What goes wrong inside the board is reported, and the board is back. Only a simulator can be broken
...              like this; other boards skip these tests.

Resource         board.resource

Test Setup       Power On A Board To Break
Test Teardown    Power Off


*** Variables ***
# Thumb instructions
${LOOP}         ${0xe7fe}
${UDF}          ${0xde00}
${STR_R0_R1}    ${0x6008}
${MOV_SP_R1}    ${0x468d}
${PUSH_ALL}     ${0xb5ff}


*** Test Cases ***
Power Is Cut In The Middle Of An Image
    Start Sending An Image
    Break The Board    cycle power
    Board Should Restart    reset=power
    Board Should Report The Error    length
    Classify Digit    1

The Reset Button Is Pressed In The Middle Of An Image
    Start Sending An Image
    Break The Board    press reset
    Board Should Restart    reset=pin
    Board Should Report The Error    length
    Classify Digit    1

A Byte Of The Received Image Changes In SRAM
    Start Sending An Image    0.9
    Alter A Byte Of    receiver    100
    Board Should Report The Error    crc
    Classify Digit    1

A Byte Of The Weights Changes In Flash
    Alter Weights
    Break The Board    press reset
    Board Should Restart    selftest=flash
    Board Should Refuse To Classify    flash

The Weights Were Wrong Before They Were Flashed
    Alter Weights    count=100
    Break The Board    stamp flash
    Break The Board    press reset
    Board Should Restart    selftest=network
    Board Should Refuse To Classify    network

The PLL Does Not Lock
    Break The Board    keep pll from locking
    Break The Board    press reset
    Board Should Restart    reset=pin    source=hsi-pll    clock=8000000
    Classify Digit    1

The Crystal Stops
    Break The Board    stop crystal
    Board Should Report A Fault    name=clock
    Board Should Restart    reset=software    source=hsi    clock=8000000
    Classify Digit    1

The Crystal Stops And Nobody Watches It
    Break The Board    disable clock security
    Break The Board    stop crystal
    Board Should Restart    reset=watchdog    source=hsi
    Classify Digit    1

The Main Loop Hangs
    Break The Board    run instead    ${LOOP}
    Board Should Restart    reset=watchdog
    Classify Digit    1

The Stack Overflows
    Break The Board    expect misbehaviour
    Break The Board    set register    1    ${0x20000008}
    Break The Board    run instead    ${MOV_SP_R1}    ${PUSH_ALL}    ${LOOP}
    Board Should Report A Fault    name=bus
    Board Should Restart    reset=software
    Classify Digit    1

The Processor Writes Where There Is Nothing
    Break The Board    expect misbehaviour
    Break The Board    set register    1    ${0x20005000}
    Break The Board    run instead    ${STR_R0_R1}    ${LOOP}
    Board Should Report A Fault    name=bus
    Board Should Restart    reset=software
    Classify Digit    1

The Processor Meets An Undefined Instruction
    Break The Board    run instead    ${UDF}    ${LOOP}
    Board Should Report A Fault    name=usage    pc=20004000
    Board Should Restart    reset=software
    Classify Digit    1

A Hard Fault Comes From Nowhere
    Break The Board    raise hard fault
    Board Should Report A Fault    name=hard
    Board Should Restart    reset=software
    Classify Digit    1

An NMI Comes From Nowhere
    Break The Board    raise nmi
    Board Should Report A Fault    name=nmi
    Board Should Restart    reset=software
    Classify Digit    1

A Character Has A Wrong Stop Bit
    Break The Board    damage next character    framing=${True}
    Damage Should Be Named And Forgotten    stops    line    after=50    framing=1

A Character Is Noisy
    Break The Board    damage next character    framing=${False}
    Damage Should Be Named And Forgotten    stops    line    after=50    noise=1
