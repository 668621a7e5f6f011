*** Settings ***
Documentation    The board works at the limits of the datasheet (5.3.7): HSI at 8 MHz +-2.5 %, from which the baud rate
...              is made when the crystal is dead, and LSI from 30 to 60 kHz, which times the watchdog. Only Renode can
...              set them; other boards skip the tests. All time is virtual.

Resource         ../board.resource

Test Teardown    Power Off
Test Template    Board Should Work From Its Oscillators


*** Variables ***
${LOOP}    ${0xe7fe}    # a branch to itself


*** Test Cases ***    HSI    LSI
Both Are Slow    ${7800000}    ${30000}
Both Are Fast    ${8200000}    ${60000}
HSI Is Slow And LSI Fast    ${7800000}    ${60000}
HSI Is Fast And LSI Slow    ${8200000}    ${30000}


*** Keywords ***
Board Should Work From Its Oscillators
    [Documentation]    The crystal stops; the board answers from HSI, and the watchdog resets it when it hangs.
    [Arguments]    ${internal}    ${low_speed}
    Power On For Fault Injection
    Let The Simulator    set oscillators    ${internal}    ${low_speed}
    Let The Simulator    stop crystal
    Board Should Report A Fault    name=clock
    Board Should Restart    reset=software    source=hsi    clock=8000000
    Classify Images Of Every Class    1
    Damage Should Be Reported And Forgotten    has an altered byte    crc
    Let The Simulator    run instead    ${LOOP}
    Board Should Restart    reset=watchdog    source=hsi    clock=8000000
    Classify Image    1
