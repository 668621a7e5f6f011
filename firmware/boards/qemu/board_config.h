/* QEMU's board simulates neither a crystal nor an LED: the Blue Pill's values. */
#pragma once

#define BOARD_CRYSTAL_HZ 8000000u

#define BOARD_LED_PORT      'C'
#define BOARD_LED_PIN       13u
#define BOARD_LED_LIT_LEVEL 0u
