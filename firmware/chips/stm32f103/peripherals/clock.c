#include "clock.h"

#include "board_config.h"
#include "registers.h"

#define MAX_HZ     72000000u
#define PLL_FACTOR (MAX_HZ / BOARD_CRYSTAL_HZ)
_Static_assert(MAX_HZ % BOARD_CRYSTAL_HZ == 0 && PLL_FACTOR >= 2 && PLL_FACTOR <= 16,
               "the PLL multiplies the crystal to 72 MHz by a whole number from 2 to 16");

/* Polls until a wait gives up: 25 ms at 8 MHz and ten cycles a poll. Crystals take 2 ms (datasheet, 5.3.6), the PLL
 * 0.2 ms. */
#define POLL_LIMIT 20000u

static bool wait_for(const reg32 *reg, uint32_t mask, uint32_t value)
{
    for (uint32_t k = 0; k < POLL_LIMIT; k++) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}

static bool start_crystal(void)
{
    RCC->cr |= RCC_CR_HSEON;
    return wait_for(&RCC->cr, RCC_CR_HSERDY, RCC_CR_HSERDY);
}

static bool start_pll(void)
{
    RCC->cfgr = RCC_CFGR_PLLSRC_HSE | RCC_CFGR_PLLMUL(PLL_FACTOR)
                | RCC_CFGR_PPRE1_DIV2; /* APB1 bears 36 MHz at most */
    RCC->cr |= RCC_CR_PLLON;
    return wait_for(&RCC->cr, RCC_CR_PLLRDY, RCC_CR_PLLRDY);
}

static bool switch_to_pll(void)
{
    FLASH_ACR = FLASH_ACR_PRFTBE | FLASH_ACR_LATENCY_2; /* before the clock rises: 3.3.3 */
    RCC->cfgr = (RCC->cfgr & ~RCC_CFGR_SW_MASK) | RCC_CFGR_SW_PLL;
    return wait_for(&RCC->cfgr, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
}

/* Switches first: the PLL must not be changed while it may run the chip (7.3.2). */
static void stay_on_internal_oscillator(void)
{
    RCC->cfgr &= ~RCC_CFGR_SW_MASK;
    wait_for(&RCC->cfgr, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_HSI);
    RCC->cr &= ~(RCC_CR_HSEON | RCC_CR_PLLON);
}

bool clock_is_lost(void)
{
    return (RCC->cir & RCC_CIR_CSSF) != 0;
}

struct board_clock clock_start(void)
{
    enum board_clock_source failure = BOARD_CLOCK_NO_CRYSTAL;
    if (start_crystal()) {
        if (start_pll() && switch_to_pll()) {
            RCC->cr |= RCC_CR_CSSON; /* a crystal that stops later raises NMI, 7.2.7 */
            return (struct board_clock){.hz = MAX_HZ, .source = BOARD_CLOCK_CRYSTAL};
        }
        failure = BOARD_CLOCK_NO_PLL;
    }
    stay_on_internal_oscillator();
    return (struct board_clock){.hz = CLOCK_INTERNAL_HZ, .source = failure};
}
