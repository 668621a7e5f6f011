/* board.h on this chip: joins its peripherals. */
#include "board.h"

#include "clock.h"
#include "cortex_m3.h"
#include "crc32.h"
#include "led.h"
#include "link.h"
#include "registers.h"
#include "stack.h"
#include "text.h"
#include "timebase.h"
#include "uart.h"
#include "watchdog.h"

/* Largest error of the divided clock, in thousandths of the baud rate. The receivers tolerate 3.3 % of both ends together
 * (27.3.5). With the crystal 1.3 % remain for the host. The internal oscillator is itself up to 2.5 % off
 * (datasheet, 5.3.7). */
#define CRYSTAL_TOLERANCE  20u
#define INTERNAL_TOLERANCE 8u

extern const uint8_t firmware_start[];
extern const uint32_t firmware_checksum;

/* stamp_checksum.py writes the checksum into the linked image here. */
__attribute__((section(".checksum"), used)) static const uint32_t checksum_placeholder = 0xffffffff;

static struct board_clock clock;
static const char *reset_reason;

/* Every reset also pulls the reset pin, so that flag counts only if no other is set (7.3.10). */
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
    SCB->ccr |= SCB_CCR_DIV_0_TRP | SCB_CCR_STKALIGN; /* r1p1 of the core starts with 4-byte-aligned stacks */
    watchdog_start();
    reset_reason = read_reset_reason();
    clock = clock_start();
    led_start();
    uart_start(clock.hz, LINK_BAUD);
    timebase_start(clock.hz);
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
    return timebase_milliseconds();
}

bool board_counts_cycles(void)
{
    return timebase_counts_cycles();
}

uint32_t board_cycles(void)
{
    return timebase_cycles();
}

void board_idle(void)
{
    sleep_unless(uart_has_received);
}

void board_watchdog_feed(void)
{
    watchdog_feed();
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
    led_set(on);
}
