/* The Blue Pill: an STM32F103C8 with an 8 MHz crystal and an LED on PC13. */
#pragma once

#define BOARD_CRYSTAL_HZ 8000000u

#define BOARD_LED_PORT      'C'
#define BOARD_LED_PIN       13u
#define BOARD_LED_LIT_LEVEL 0u
