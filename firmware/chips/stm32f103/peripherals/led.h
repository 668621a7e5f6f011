/* The board's LED. */
#pragma once

#include <stdbool.h>

#include "board_config.h"
#include "registers.h"

#define LED_PORT     GPIO(BOARD_LED_PORT)
#define LED_PIN_HIGH (1u << BOARD_LED_PIN) /* in BSRR, 9.2.5 */
#define LED_PIN_LOW  (1u << (BOARD_LED_PIN + 16))
#define LED_SHIFT    (BOARD_LED_PIN % 8 * 4) /* in its configuration register */

static inline void led_start(void)
{
    RCC->apb2enr |= RCC_APB2ENR_IOPEN(BOARD_LED_PORT);
    reg32 *config = &LED_PORT->cr[BOARD_LED_PIN / 8];
    *config = (*config & ~(GPIO_MODE_MASK << LED_SHIFT)) | GPIO_OUTPUT_2MHZ << LED_SHIFT;
}

static inline void led_set(bool on)
{
    LED_PORT->bsrr = on == (BOARD_LED_LIT_LEVEL == 0) ? LED_PIN_LOW : LED_PIN_HIGH;
}
