#include "board.h"

#include "application.h"
#include "check.h"
#include "simulated.h"
#include "text.h"

#define COUNTER_US 200 /* the network's time passes when board_cycles() is asked, before and after it */
#define MAX_SAID   (4u << 20)

#define DEFAULT_BAUD       115200
#define MIN_CYCLES_PER_BIT 36 /* as on the chip */
#define WATCHDOG_US        1090000 /* the least that it waits */

void (*simulated_receive_tap)(enum receive_event event, uint8_t byte, struct receive_faults faults,
                              uint32_t now);
void (*simulated_baud_tap)(uint32_t baud, uint32_t now);

static uint64_t host_us;  /* when the last byte of the host has arrived */
static uint64_t board_us; /* how far the board has come */
static uint64_t boot_us;
static uint64_t fed_us; /* when the watchdog was */
static uint32_t character_us; /* ten bits; both sides change their baud rate together */
static bool is_intact;
static enum board_clock_source clock_source;
static struct receive_buffer received;

static uint8_t said[MAX_SAID];
static size_t said_bytes;

static void set_baud(uint32_t baud)
{
    character_us = (10000000 + baud - 1) / baud;
}

/* ---- The host's side ---- */

static void run_until_host_time(void)
{
    while (board_us < host_us) {
        application_poll();
    }
}

void simulated_set_clock(enum board_clock_source source)
{
    clock_source = source;
}

void simulated_reset(bool intact)
{
    run_until_host_time();
    received = (struct receive_buffer){0};
    boot_us = board_us;
    fed_us = board_us;
    is_intact = intact;
    set_baud(DEFAULT_BAUD);
    application_boot();
    host_us = board_us;
}

void simulated_send(const uint8_t *bytes, size_t size)
{
    for (size_t k = 0; k < size; k++) {
        host_us += character_us;
        run_until_host_time();
        receive_buffer_put(&received, bytes[k]);
    }
}

void simulated_silence(uint32_t milliseconds)
{
    host_us += milliseconds * 1000ull;
    run_until_host_time();
}

void simulated_damage(uint32_t lost, uint32_t framing, uint32_t noise)
{
    receive_buffer_damage(&received, (struct receive_faults){lost, framing, noise});
}

void simulated_busy(uint32_t characters)
{
    const uint64_t us = (uint64_t)characters * character_us;
    board_us += us;
    fed_us += us; /* not the firmware's doing */
}

void simulated_settle(void)
{
    do {
        host_us = board_us + character_us;
        run_until_host_time();
    } while (board_us > host_us);
}

uint64_t simulated_now(void)
{
    return host_us;
}

size_t simulated_said(const uint8_t **text)
{
    const size_t bytes = said_bytes;
    *text = said;
    said_bytes = 0;
    return bytes;
}

/* ---- The board's side ---- */

void board_init(void) {}

struct board_clock board_clock(void)
{
    return (struct board_clock){.hz = clock_source == BOARD_CLOCK_CRYSTAL ? 72000000 : 8000000,
                                .source = clock_source};
}

const char *board_reset_reason(void)
{
    return "power";
}

bool board_firmware_intact(void)
{
    return is_intact;
}

uint32_t board_stack_used(void)
{
    return 0;
}

uint32_t board_milliseconds(void)
{
    return (uint32_t)((board_us - boot_us) / 1000);
}

bool board_counts_cycles(void)
{
    return false;
}

uint32_t board_cycles(void)
{
    board_us += COUNTER_US;
    return 0;
}

/* Wakes with the next millisecond, or with the host. */
void board_idle(void)
{
    const uint64_t next_ms = board_us + 1000 - (board_us - boot_us) % 1000;
    board_us = host_us > board_us && host_us < next_ms ? host_us : next_ms;
}

void board_watchdog_feed(void)
{
    CHECK(board_us - fed_us < WATCHDOG_US, "the watchdog was not fed for %llu us",
          (unsigned long long)(board_us - fed_us));
    fed_us = board_us;
}

enum receive_event board_receive(uint8_t *byte, struct receive_faults *faults)
{
    *byte = 0;
    *faults = (struct receive_faults){0};
    const enum receive_event event = receive_buffer_get(&received, byte, faults);
    if (simulated_receive_tap) {
        simulated_receive_tap(event, *byte, *faults, board_milliseconds());
    }
    return event;
}

void text_output(uint8_t byte)
{
    CHECK(said_bytes < MAX_SAID, "the board talks without end");
    said[said_bytes++] = byte;
    board_us += character_us;
}

bool board_can_make_baud(uint32_t baud)
{
    return board_clock().hz / baud >= MIN_CYCLES_PER_BIT;
}

void board_set_baud(uint32_t baud)
{
    set_baud(baud);
    if (simulated_baud_tap) {
        simulated_baud_tap(baud, board_milliseconds());
    }
}

void board_led(bool on)
{
    (void)on;
}
