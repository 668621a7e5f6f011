*** Settings ***
Documentation    A fault inside the board is reported, and the board works again. Only Renode can inject these faults;
...              other boards skip the tests. All time is virtual.

Resource         ../board.resource

Test Setup       Power On For Fault Injection
Test Teardown    Power Off


*** Variables ***
# Thumb instructions
${LOOP}         ${0xe7fe}
${UDF}          ${0xde00}
${STR_R0_R1}    ${0x6008}
${LDR_R0_R1}    ${0x6808}
${MOV_SP_R1}    ${0x468d}
${PUSH_ALL}     ${0xb5ff}


*** Test Cases ***
Power Is Cut During An Image
    Start Sending An Image
    Let The Simulator    cycle power
    Board Should Restart    reset=power
    Rest Of The Frame Should Be Refused
    Classify Image    1

Reset Is Pressed During An Image
    Start Sending An Image
    Let The Simulator    press reset
    Board Should Restart    reset=pin
    Rest Of The Frame Should Be Refused
    Classify Image    1

Received Image Is Altered In SRAM
    Start Sending An Image    0.9
    Alter A Byte Of    receiver    52    # of the image
    Board Should Report The Error    crc
    Classify Image    1

Weights Are Altered In Flash
    Alter Weights
    Let The Simulator    press reset
    Board Should Restart    selftest=flash
    Board Should Refuse To Classify    flash

Weights Are Wrong But Their Checksum Is Right
    Alter Weights    count=100
    Let The Simulator    stamp flash
    Let The Simulator    press reset
    Board Should Restart    selftest=network
    Board Should Refuse To Classify    network

PLL Does Not Lock
    Let The Simulator    keep pll from locking
    Let The Simulator    press reset
    Board Should Restart    reset=pin    source=hsi-pll    clock=8000000
    Classify Image    1

Crystal Stops
    Let The Simulator    stop crystal
    Board Should Report A Fault    name=clock
    Board Should Restart    reset=software    source=hsi    clock=8000000
    Classify Image    1

Crystal Stops Without Clock Security
    Let The Simulator    disable clock security
    Let The Simulator    stop crystal
    Board Should Restart    reset=watchdog    source=hsi
    Classify Image    1

Main Loop Hangs
    Let The Simulator    run instead    ${LOOP}
    Board Should Restart    reset=watchdog
    Classify Image    1

Stack Overflows
    Let The Simulator    expect misbehaviour
    Let The Simulator    set register    1    ${0x20000008}
    Let The Simulator    run instead    ${MOV_SP_R1}    ${PUSH_ALL}    ${LOOP}
    Board Should Report A Fault    name=bus
    Board Should Restart    reset=software
    Classify Image    1

Processor Writes Beyond SRAM
    Let The Simulator    expect misbehaviour
    Let The Simulator    set register    1    ${0x20005000}
    Let The Simulator    run instead    ${STR_R0_R1}    ${LOOP}
    Board Should Report A Fault    name=bus
    Board Should Restart    reset=software
    Classify Image    1

Processor Reads Beyond SRAM
    Let The Simulator    expect misbehaviour
    Let The Simulator    set register    1    ${0x20005000}
    Let The Simulator    run instead    ${LDR_R0_R1}    ${LOOP}
    Board Should Report A Fault    name=bus    pc=20004000    cfsr=00008200    address=20005000
    Board Should Restart    reset=software
    Classify Image    1

Processor Writes To Flash
    Let The Simulator    expect misbehaviour
    Let The Simulator    set register    1    ${0x08000000}
    Let The Simulator    run instead    ${STR_R0_R1}    ${LOOP}
    Board Should Report A Fault    name=bus    cfsr=00000400    address=00000000
    Board Should Restart    reset=software    selftest=passed
    Classify Image    1

Processor Runs An Undefined Instruction
    Let The Simulator    run instead    ${UDF}    ${LOOP}
    Board Should Report A Fault    name=usage    pc=20004000
    Board Should Restart    reset=software
    Classify Image    1

Fault At A Raised Rate Is Reported At That Rate
    Change The Baud Rate    ${1000000}
    Let The Simulator    raise nmi
    Board Should Report A Fault    name=nmi
    Image Should Be Classified With A Retry At    ${115200}

Hard Fault Is Pended
    Let The Simulator    raise hard fault
    Board Should Report A Fault    name=hard
    Board Should Restart    reset=software
    Classify Image    1

NMI Is Pended
    Let The Simulator    raise nmi
    Board Should Report A Fault    name=nmi
    Board Should Restart    reset=software
    Classify Image    1

Character Has A Wrong Stop Bit
    Let The Simulator    damage next character    framing=${True}
    Damage Should Be Reported And Forgotten    stops    line    framing=1

Character Is Noisy
    Let The Simulator    damage next character    framing=${False}
    Damage Should Be Reported And Forgotten    stops    line    noise=1

Wrong Stop Bit At A Raised Rate Costs One Retry
    Change The Baud Rate    ${1000000}
    Let The Simulator    damage next character    framing=${True}
    Image Should Be Classified With A Retry At    ${1000000}

Host Finds A Board That Was Reset At A Raised Rate
    Change The Baud Rate    ${1000000}
    Let The Simulator    press reset
    Image Should Be Classified With A Retry At    ${115200}
    Classify Image    2
