/* Fuzzes the link's receiver and the receive buffer. Each event must be the oracle's for the same bytes, and the next
 * good frame must always arrive. */
#include <string.h>

#include "check.h"
#include "frame.h"
#include "link.h"
#include "oracle.h"
#include "receive_buffer.h"
#include "script.h"

#define MAX_WAITING (RECEIVE_BUFFER_CAPACITY + 1) /* all bytes, and one place where some were lost */

/* What the buffer should hold: a plain queue. */
struct waiting {
    bool is_fault;
    uint8_t byte;
    struct receive_faults faults;
};

static struct receive_buffer buffer;
static struct waiting queue[MAX_WAITING];
static size_t first, queued, queued_bytes;
static struct waiting *queued_fault; /* there is at most one */
static uint32_t busy_for; /* bytes, until the main loop looks again */

static struct link_receiver receiver;
static struct oracle oracle;

/* ---- The buffer ---- */

static struct waiting *waiting_at(size_t place)
{
    return &queue[(first + place) % MAX_WAITING];
}

static bool none(struct receive_faults faults)
{
    return faults.lost == 0 && faults.framing == 0 && faults.noise == 0;
}

/* Everything lost until the main loop looks again is reported at the place of the first. */
static void queue_fault(struct receive_faults faults)
{
    if (none(faults)) return;
    if (queued_fault == NULL) {
        queued_fault = waiting_at(queued++);
        *queued_fault = (struct waiting){.is_fault = true};
    }
    struct receive_faults *sum = &queued_fault->faults;
    sum->lost += faults.lost;
    sum->framing += faults.framing;
    sum->noise += faults.noise;
}

static void queue_byte(uint8_t byte)
{
    if (queued_bytes == RECEIVE_BUFFER_CAPACITY) {
        queue_fault((struct receive_faults){.lost = 1});
    } else {
        *waiting_at(queued++) = (struct waiting){.byte = byte};
        queued_bytes++;
    }
}

/* ---- The receiver ---- */

static void compare(enum link_event event, struct oracle_event expected)
{
    CHECK(event == expected.event, "event %d, expected %d", event, expected.event);
    if (event == LINK_FRAME) {
        const struct link_frame *frame = &receiver.frame;
        CHECK(frame->command == expected.frame.command, "%u", frame->command);
        CHECK(frame->sequence == expected.frame.sequence, "%u", frame->sequence);
        CHECK(frame->checksum == expected.frame.checksum, "%08x", frame->checksum);
        CHECK(frame->length == expected.frame.length, "%u", frame->length);
        CHECK(memcmp(frame->payload, expected.frame.payload, frame->length) == 0, "the payloads differ");
    } else if (event == LINK_FAILURE) {
        const struct link_failure *failure = &receiver.failure;
        CHECK(failure->error == expected.failure.error, "%d", failure->error);
        CHECK(failure->detail[0] == expected.failure.detail[0], "%u", failure->detail[0]);
        CHECK(failure->detail[1] == expected.failure.detail[1], "%u", failure->detail[1]);
        CHECK(failure->whole == expected.failure.whole, "%d", failure->whole);
        CHECK(failure->sequence == expected.failure.sequence, "%u", failure->sequence);
    }
}

/* Nothing is in progress after an event; before it, all of a frame was. */
static void check_progress(struct link_progress before, enum link_event event)
{
    const struct link_frame *frame = &receiver.frame;
    if (event == LINK_FRAME && frame->length > 0) {
        CHECK(before.command == frame->command, "%u", before.command);
        CHECK(before.length == frame->length && before.payload_bytes == frame->length, "%u", before.length);
        CHECK(before.payload == frame->payload, "the payload has moved");
    }
    const struct link_progress now = link_progress(&receiver);
    CHECK(now.payload_bytes <= now.length, "%u", now.payload_bytes);
    CHECK(event == LINK_NOTHING || now.payload_bytes == 0, "%u", now.payload_bytes);
}

/* Takes one event from the buffer to the receiver, as the application does; what it was, LINK_NOTHING when all
 * are taken. */
static enum link_event take(void)
{
    uint8_t byte = 0;
    struct receive_faults faults = {0};
    const struct waiting expected = *waiting_at(0);
    const enum receive_event taken = receive_buffer_get(&buffer, &byte, &faults);
    first++;
    queued--;

    if (!expected.is_fault) {
        CHECK(taken == RECEIVE_BYTE && byte == expected.byte, "event %d, byte %02x", taken, byte);
        queued_bytes--;
        const struct link_progress before = link_progress(&receiver);
        const enum link_event event = link_receive(&receiver, byte);
        check_progress(before, event);
        compare(event, oracle_byte(&oracle, byte));
        return event;
    }
    queued_fault = NULL;
    CHECK(taken == RECEIVE_FAULT, "event %d", taken);
    CHECK(faults.lost == expected.faults.lost, "%u", faults.lost);
    CHECK(faults.framing == expected.faults.framing, "%u", faults.framing);
    CHECK(faults.noise == expected.faults.noise, "%u", faults.noise);
    const enum link_error error = faults.lost > 0 ? LINK_ERROR_OVERRUN : LINK_ERROR_LINE;
    const uint32_t detail = faults.lost > 0 ? faults.lost : faults.framing;
    const uint32_t second = faults.lost > 0 ? 0 : faults.noise;
    const enum link_event event = link_damage(&receiver, error, detail, second);
    compare(event, oracle_damage(&oracle, error, detail, second));
    return event;
}

static void take_all(void)
{
    uint8_t byte;
    struct receive_faults faults;
    while (queued > 0) {
        take();
    }
    CHECK(receive_buffer_get(&buffer, &byte, &faults) == RECEIVE_NOTHING,
          "the buffer holds more than was put in");
}

/* ---- What the input does ---- */

static void byte(uint8_t value)
{
    receive_buffer_put(&buffer, value);
    queue_byte(value);
    if (busy_for > 0) {
        busy_for--;
    } else {
        take_all();
    }
}

static void silence(uint32_t milliseconds)
{
    busy_for = 0;
    take_all();
    if (milliseconds >= LINK_TIMEOUT_MS) {
        compare(link_silence(&receiver), oracle_silence(&oracle));
    }
}

static void damage(struct receive_faults faults)
{
    receive_buffer_damage(&buffer, faults);
    queue_fault(faults);
}

static void busy(uint32_t characters)
{
    busy_for = characters;
}

/* The receiver alone has no rate. */
static void host_baud(uint32_t baud)
{
    (void)baud;
}

static void reset(bool intact, enum board_clock_source source)
{
    (void)intact;
    (void)source;
    buffer = (struct receive_buffer){0};
    receiver = (struct link_receiver){0};
    oracle = (struct oracle){0};
    first = queued = queued_bytes = 0;
    queued_fault = NULL;
    busy_for = 0;
}

/* A good frame with this sequence number arrives, and nothing else does. */
static void expect_good_frame(uint16_t sequence)
{
    const struct frame frame = {.version = 2, .command = 2, .sequence = sequence, .length = 16, .seed = 99};
    uint8_t stuffed[FRAME_MAX_STUFFED];
    const size_t size = frame_stuff(&frame, stuffed);
    byte(0); /* ends what came before it */
    for (size_t k = 0; k < size; k++) {
        const enum link_event event = link_receive(&receiver, stuffed[k]);
        CHECK(event == LINK_NOTHING, "event %d inside a good frame", event);
    }
    const enum link_event event = link_receive(&receiver, 0);
    CHECK(event == LINK_FRAME, "event %d for a good frame", event);
    CHECK(receiver.frame.sequence == sequence, "%u", receiver.frame.sequence);
    CHECK(receiver.frame.checksum == frame_checksum(&frame), "%08x", receiver.frame.checksum);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static const struct script_actions actions = {byte, silence, damage, busy, reset, host_baud};
    reset(true, BOARD_CLOCK_CRYSTAL);
    script_play(input, size, &actions);
    busy_for = 0;
    take_all();
    expect_good_frame(0xbeef);
    return 0;
}
