#include "board.h"

#include "app.h"
#include "check.h"
#include "simulated.h"
#include "text.h"
#include "wire.h"

#define COUNTER_NS                                                                                           \
    200000u /* board_cycles() takes this time, which stands for the network's: before and after it */
#define MAX_OUTPUT (4u << 20)

#define DEFAULT_BAUD       115200
#define MIN_CYCLES_PER_BIT 36         /* as on the chip */
#define TRANSMIT_BUFFER    256        /* characters, as on the chip */
#define WATCHDOG_NS        1090000000 /* the shortest time that it waits */

void (*simulated_receive_tap)(enum receive_event event, uint8_t byte, struct receive_faults faults,
                              uint32_t now);
void (*simulated_baud_tap)(uint32_t baud, uint32_t now);
void (*simulated_output_tap)(uint8_t byte);

static struct wire to_board, to_host;

static uint64_t host_ns; /* up to here the host has sent */
static uint32_t host_baud;
static uint8_t output[MAX_OUTPUT];
static size_t output_bytes;

static uint64_t board_ns; /* up to here the board has run */
static uint64_t boot_ns, fed_ns;
static uint32_t board_baud = DEFAULT_BAUD;
static bool is_intact;
static enum board_clock_source clock_source;
static struct receive_buffer received;

static uint32_t damage_skip;
static uint16_t damage_bits;

/* ---- The wire ---- */

static uint32_t host_bit(void)
{
    return wire_bit(host_baud != 0 ? host_baud : board_baud);
}

/* The receive interrupt: stores what has arrived by the board's time. The host has sent up to its own time only. */
static void take_interrupts(void)
{
    struct wire_reception reception;
    const uint64_t now = board_ns < host_ns ? board_ns : host_ns;
    while (wire_receive(&to_board, now, &reception)) {
        if (reception.framing || reception.noise) {
            receive_buffer_damage(
                &received, (struct receive_faults){.framing = reception.framing, .noise = reception.noise});
        } else {
            receive_buffer_put(&received, reception.byte);
        }
    }
}

static void let_pass(uint64_t ns)
{
    board_ns += ns;
    take_interrupts();
}

static void receive_at_host(void)
{
    struct wire_reception reception;
    const uint64_t now = board_ns < host_ns ? board_ns : host_ns;
    while (wire_receive(&to_host, now, &reception)) {
        CHECK(output_bytes < MAX_OUTPUT, "the board sends without end");
        output[output_bytes++] = reception.framing ? 0 : reception.byte;
    }
}

static void run_until_host_time(void)
{
    take_interrupts();
    while (board_ns < host_ns) {
        app_poll();
    }
    receive_at_host();
}

/* ---- The host's end ---- */

void simulated_reset(bool intact, enum board_clock_source source)
{
    run_until_host_time();
    if (host_ns < board_ns) {
        host_ns = board_ns;
    }
    wire_stop_sender(&to_host, board_ns);
    receive_at_host();
    received = (struct receive_buffer){0};
    boot_ns = board_ns;
    fed_ns = board_ns;
    is_intact = intact;
    clock_source = source;
    app_start();
    run_until_host_time();
}

void simulated_set_host_baud(uint32_t baud)
{
    run_until_host_time();
    host_baud = baud;
    wire_start_receiver(&to_host, host_ns, host_bit());
}

void simulated_send_damaged(uint8_t byte, uint16_t damage)
{
    wire_send(&to_board, host_ns, host_bit(), byte, damage);
    host_ns = to_board.sender_free;
    run_until_host_time();
}

void simulated_send(const uint8_t *bytes, size_t size)
{
    for (size_t k = 0; k < size; k++) {
        simulated_send_damaged(bytes[k], 0);
    }
}

void simulated_damage_output(uint32_t skip, uint16_t damage)
{
    damage_skip = skip;
    damage_bits = damage;
}

void simulated_silence_us(uint32_t microseconds)
{
    host_ns += microseconds * 1000ull;
    run_until_host_time();
}

void simulated_settle(void)
{
    bool is_settled;
    do {
        const uint64_t busy_until = board_ns > to_host.sender_free ? board_ns : to_host.sender_free;
        host_ns = (host_ns > busy_until ? host_ns : busy_until) + WIRE_BITS * (uint64_t)host_bit();
        run_until_host_time();
        is_settled = board_ns <= host_ns + WIRE_BITS * (uint64_t)host_bit() && to_host.sender_free <= host_ns
                     && receive_buffer_is_empty(&received);
    } while (!is_settled);
}

uint64_t simulated_now(void)
{
    return host_ns / 1000;
}

size_t simulated_output(const uint8_t **bytes)
{
    const size_t count = output_bytes;
    *bytes = output;
    output_bytes = 0;
    return count;
}

/* ---- The board's end ---- */

void simulated_damage(uint32_t lost, uint32_t framing, uint32_t noise)
{
    receive_buffer_damage(&received, (struct receive_faults){lost, framing, noise});
}

void simulated_busy(uint32_t characters)
{
    const uint64_t ns = (uint64_t)characters * WIRE_BITS * host_bit();
    board_ns += ns;
    fed_ns += ns; /* the test's doing, not the firmware's */
}

uint32_t simulated_board_baud(void)
{
    return board_baud;
}

static void start_board_receiver(void)
{
    wire_start_receiver(&to_board, board_ns, wire_bit(board_baud));
    if (host_baud == 0) {
        wire_start_receiver(&to_host, board_ns, wire_bit(board_baud));
    }
}

void board_init(void)
{
    board_baud = DEFAULT_BAUD;
    start_board_receiver();
}

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
    return (uint32_t)((board_ns - boot_ns) / 1000000);
}

bool board_counts_cycles(void)
{
    return false;
}

uint32_t board_cycles(void)
{
    let_pass(COUNTER_NS);
    return 0;
}

/* Wakes at the next millisecond, or when the host has sent more. */
void board_idle(void)
{
    const uint64_t next_ms = board_ns + 1000000 - (board_ns - boot_ns) % 1000000;
    board_ns = host_ns > board_ns && host_ns < next_ms ? host_ns : next_ms;
    take_interrupts();
}

void board_watchdog_feed(void)
{
    CHECK(board_ns - fed_ns < WATCHDOG_NS, "the watchdog was not fed for %llu ns",
          (unsigned long long)(board_ns - fed_ns));
    fed_ns = board_ns;
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
    const uint32_t bit = wire_bit(board_baud);
    const uint64_t room_from = (TRANSMIT_BUFFER - 1) * WIRE_BITS * (uint64_t)bit;
    if (to_host.sender_free > board_ns + room_from) {
        let_pass(to_host.sender_free - board_ns - room_from);
    }
    uint16_t damage = 0;
    if (damage_bits != 0 && damage_skip-- == 0) {
        damage = damage_bits;
        damage_bits = 0;
    }
    wire_send(&to_host, board_ns, bit, byte, damage);
    if (simulated_output_tap) {
        simulated_output_tap(byte);
    }
}

bool board_can_make_baud(uint32_t baud)
{
    return board_clock().hz / baud >= MIN_CYCLES_PER_BIT;
}

void board_set_baud(uint32_t baud)
{
    if (to_host.sender_free > board_ns) {
        let_pass(to_host.sender_free - board_ns); /* everything queued is sent first */
    }
    board_baud = baud;
    start_board_receiver();
    if (simulated_baud_tap) {
        simulated_baud_tap(baud, board_milliseconds());
    }
}

void board_led(bool on)
{
    (void)on;
}
