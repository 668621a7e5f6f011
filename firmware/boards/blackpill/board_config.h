/* The Black Pill of the STM32F103 series: an STM32F103C8 with an 8 MHz crystal and an LED on PB12. */
#pragma once

#define BOARD_CRYSTAL_HZ 8000000u

#define BOARD_LED_PORT      'B'
#define BOARD_LED_PIN       12u
#define BOARD_LED_LIT_LEVEL 0u
