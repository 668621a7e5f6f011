#include "board.h"

#include "board_config.h"
#include "clock.h"
#include "cortex_m3.h"
#include "crc32.h"
#include "handlers.h"
#include "link.h"
#include "registers.h"
#include "stack.h"
#include "text.h"
#include "uart.h"

#define LED_PORT     GPIO(BOARD_LED_PORT)
#define LED_PIN_HIGH (1u << BOARD_LED_PIN) /* in BSRR, 9.2.5 */
#define LED_PIN_LOW  (1u << (BOARD_LED_PIN + 16))
#define LED_SHIFT    (BOARD_LED_PIN % 8 * 4) /* in its configuration register */

/* About 1.6 s at the LSI's nominal 40 kHz, 1.1 to 2.2 s over its tolerance (19.3, table 96). */
#define WATCHDOG_RELOAD 4095u

/* Largest error of the divided clock, in thousandths of the baud rate. The receivers of both ends tolerate 3.3 %
 * together (27.3.5). A crystal leaves 2 % to the host. The internal oscillator is up to 2.5 % off by
 * itself (datasheet, 5.3.7). */
#define CRYSTAL_TOLERANCE  20u
#define INTERNAL_TOLERANCE 8u

extern const uint8_t firmware_start[];
extern const uint32_t firmware_checksum;

/* A place for the number that stamp_checksum.py writes into the linked image. */
__attribute__((section(".checksum"), used)) static const uint32_t checksum_placeholder = 0xffffffff;

static struct board_clock clock;
static const char *reset_reason;
static bool counts_cycles;
static volatile uint32_t milliseconds;

static void led_start(void)
{
    RCC->apb2enr |= RCC_APB2ENR_IOPEN(BOARD_LED_PORT);
    reg32 *config = &LED_PORT->cr[BOARD_LED_PIN / 8];
    *config = (*config & ~(GPIO_MODE_MASK << LED_SHIFT)) | GPIO_OUTPUT_2MHZ << LED_SHIFT;
}

static void systick_start(void)
{
    SYSTICK->rvr = clock.hz / 1000 - 1;
    SYSTICK->cvr = 0;
    SYSTICK->csr = SYSTICK_CSR_ENABLE | SYSTICK_CSR_TICKINT | SYSTICK_CSR_CLKSOURCE_CPU;
}

void systick_handler(void)
{
    milliseconds++;
}

static void cycle_counter_start(void)
{
    DEMCR |= DEMCR_TRCENA;
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    const uint32_t before = DWT_CYCCNT;
    const uint32_t ms = milliseconds;
    while (milliseconds - ms < 2) { /* long enough for simulators that advance time in steps */
        wait_for_interrupt();
    }
    counts_cycles = DWT_CYCCNT != before;
}

static void watchdog_start(void)
{
    IWDG->kr = IWDG_KR_START;
    IWDG->kr = IWDG_KR_UNLOCK;
    IWDG->pr = IWDG_PR_DIV16;
    IWDG->rlr = WATCHDOG_RELOAD;
    IWDG->kr = IWDG_KR_FEED;
}

/* A reset also pulls the reset pin, so that flag counts only when it stands alone (7.3.10). */
static const char *read_reset_reason(void)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } reasons[] = {
        {RCC_CSR_LPWRRSTF, "low-power"}, {RCC_CSR_WWDGRSTF, "window-watchdog"},
        {RCC_CSR_IWDGRSTF, "watchdog"},  {RCC_CSR_SFTRSTF, "software"},
        {RCC_CSR_PORRSTF, "power"},      {RCC_CSR_PINRSTF, "pin"},
    };
    const uint32_t flags = RCC->csr;
    RCC->csr |= RCC_CSR_RMVF;
    for (uint32_t k = 0; k < sizeof reasons / sizeof reasons[0]; k++) {
        if ((flags & reasons[k].flag) != 0) {
            return reasons[k].name;
        }
    }
    return "unknown";
}

void board_init(void)
{
    SCB->shcsr |= SCB_SHCSR_ENABLE_FAULTS;
    SCB->ccr |=
        SCB_CCR_DIV_0_TRP | SCB_CCR_STKALIGN; /* a Cortex-M3 r1p1 starts with stacks aligned to 4 bytes */
    watchdog_start();
    reset_reason = read_reset_reason();
    clock = clock_start();
    led_start();
    uart_start(clock.hz, LINK_BAUD);
    systick_start();
    cycle_counter_start();
}

struct board_clock board_clock(void)
{
    return clock;
}

const char *board_reset_reason(void)
{
    return reset_reason;
}

bool board_firmware_intact(void)
{
    const uint8_t *end = (const uint8_t *)&firmware_checksum;
    return crc32_update(0, firmware_start, (uint32_t)(end - firmware_start)) == firmware_checksum;
}

uint32_t board_stack_used(void)
{
    return stack_used();
}

uint32_t board_milliseconds(void)
{
    return milliseconds;
}

bool board_counts_cycles(void)
{
    return counts_cycles;
}

uint32_t board_cycles(void)
{
    return DWT_CYCCNT;
}

void board_idle(void)
{
    sleep_unless(uart_has_received);
}

void board_watchdog_feed(void)
{
    IWDG->kr = IWDG_KR_FEED;
}

enum receive_event board_receive(uint8_t *byte, struct receive_faults *faults)
{
    return uart_receive(byte, faults);
}

void text_output(uint8_t byte)
{
    uart_transmit(byte);
}

bool board_can_make_baud(uint32_t baud)
{
    const uint32_t tolerance = clock.source == BOARD_CLOCK_CRYSTAL ? CRYSTAL_TOLERANCE : INTERNAL_TOLERANCE;
    return uart_can_make(clock.hz, baud, tolerance);
}

void board_set_baud(uint32_t baud)
{
    uart_set_baud(clock.hz, baud);
}

void board_led(bool on)
{
    LED_PORT->bsrr = on == (BOARD_LED_LIT_LEVEL == 0) ? LED_PIN_LOW : LED_PIN_HIGH;
}
