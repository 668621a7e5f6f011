/* Fuzzes the whole application. Its output must follow LINK.md's grammar, and its messages must be those that the
 * oracle expects: one result for each whole classify frame, and no other. */
#include <stdarg.h>
#include <string.h>

#include "check.h"
#include "frame.h"
#include "hash_network.h"
#include "oracle.h"
#include "script.h"
#include "simulated.h"

#define DEFAULT_BAUD 115200
#define RAISED_BAUD  150000
#define MAX_BAUD     2000000
#define MAX_EXPECTED (1u << 20)
#define MAX_SENT     (4u << 20)
#define LINE_BYTES   (512 + 12 * NETWORK_CLASSES)

static struct oracle oracle;
static bool intact;
static uint32_t clock_hz;
static uint32_t last_reception;
static struct oracle_event last_event;

static uint32_t baud;
static bool baud_unconfirmed; /* since a change or an error at a raised rate, no whole frame has come */
static uint32_t baud_since; /* in milliseconds */

/* Messages without their checksums, each with its end: '.' if it is complete, '*' if more may follow. */
static char expected[MAX_EXPECTED];
static size_t expected_bytes;

static uint8_t sent[MAX_SENT]; /* by the board */
static size_t sent_bytes;

/* ---- What the application should send ---- */

static void expect(char end, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const int bytes = vsnprintf(expected + expected_bytes, LINE_BYTES, format, values);
    va_end(values);
    CHECK(bytes < LINE_BYTES, "a message of %d bytes", bytes);
    expected_bytes += (size_t)bytes;
    expected[expected_bytes++] = end;
    expected[expected_bytes++] = '\0';
    CHECK(expected_bytes < MAX_EXPECTED - LINE_BYTES, "more messages than an input can call for");
}

static void expect_result(const struct link_frame *frame)
{
    int32_t logits[NETWORK_CLASSES];
    hash_logits(frame->payload, logits);
    int label = 0;
    for (int k = 1; k < NETWORK_CLASSES; k++) {
        if (logits[k] > logits[label]) label = k;
    }
    char listed[12 * NETWORK_CLASSES + 1];
    size_t bytes = 0;
    for (int k = 0; k < NETWORK_CLASSES; k++) {
        bytes += (size_t)snprintf(listed + bytes, sizeof listed - bytes, k == 0 ? "%d" : ",%d", logits[k]);
    }
    expect('.', "@result seq=%u image=%08x label=%d logits=%s", frame->sequence, frame->checksum, label,
           listed);
}

static void expect_baud(const struct link_frame *frame)
{
    uint32_t rate = 0;
    for (int k = 3; k >= 0; k--) {
        rate = rate << 8 | frame->payload[k];
    }
    const bool in_range = rate == DEFAULT_BAUD || (rate >= RAISED_BAUD && rate <= MAX_BAUD);
    if (in_range && clock_hz / rate >= 36) {
        expect('.', "@baud seq=%u baud=%u", frame->sequence, rate);
        baud = rate;
    } else {
        expect('.', "@error name=baud seq=%u baud=%u clock=%u", frame->sequence, rate, clock_hz);
    }
}

static void expect_default_baud(void)
{
    expect('.', "@baud baud=%u", DEFAULT_BAUD);
    baud = DEFAULT_BAUD;
}

static void expect_answer(const struct link_frame *frame)
{
    static const unsigned payload_bytes_of[] = {0, 0, NETWORK_PIXELS, 4};
    const unsigned seq = frame->sequence;
    const bool known = frame->command >= 1 && frame->command <= 3;
    const unsigned payload_bytes = known ? payload_bytes_of[frame->command] : 0;
    if (!known) {
        expect('.', "@error name=command seq=%u command=%u", seq, frame->command);
    } else if (frame->length != payload_bytes) {
        expect('.', "@error name=size seq=%u bytes=%u expected=%u", seq, frame->length, payload_bytes);
    } else if (frame->command == 1) {
        expect('*', "@info seq=%u link=2 ", seq);
    } else if (frame->command == 3) {
        expect_baud(frame);
    } else if (!intact) {
        expect('.', "@error name=selftest seq=%u failed=flash", seq);
    } else {
        expect_result(frame);
    }
}

static void expect_error(const struct link_failure *failure)
{
    const unsigned first = failure->detail[0];
    const unsigned second = failure->detail[1];
    switch (failure->error) {
    case LINK_ERROR_TIMEOUT:
        expect('.', "@error name=timeout bytes=%u", first);
        break;
    case LINK_ERROR_OVERLONG:
        expect('.', "@error name=overlong limit=%u", first);
        break;
    case LINK_ERROR_SHORT:
        expect('.', "@error name=short bytes=%u", first);
        break;
    case LINK_ERROR_LENGTH:
        expect('.', "@error name=length length=%u bytes=%u", first, second);
        break;
    case LINK_ERROR_STUFFING:
        expect('.', "@error name=stuffing bytes=%u", first);
        break;
    case LINK_ERROR_CRC:
        expect('.', "@error name=crc received=%08x computed=%08x", first, second);
        break;
    case LINK_ERROR_VERSION:
        expect('.', "@error name=version seq=%u version=%u", failure->sequence, first);
        break;
    case LINK_ERROR_OVERRUN:
        expect('.', "@error name=overrun bytes=%u", first);
        break;
    case LINK_ERROR_LINE:
        expect('.', "@error name=line framing=%u noise=%u", first, second);
        break;
    default:
        CHECK(false, "the oracle gave error %d", failure->error);
    }
}

static void doubt_baud(uint32_t now)
{
    if (baud != DEFAULT_BAUD && !baud_unconfirmed) {
        baud_unconfirmed = true;
        baud_since = now;
    }
}

/* Sees what the application takes from the receive buffer, and asks the oracle what that means. */
static void tap(enum receive_event event, uint8_t byte, struct receive_faults faults, uint32_t now)
{
    struct oracle_event result = {.event = LINK_NOTHING};
    if (event == RECEIVE_FAULT) {
        doubt_baud(now);
    }
    if (event == RECEIVE_BYTE) {
        result = oracle_byte(&oracle, byte);
    } else if (event == RECEIVE_FAULT && faults.lost > 0) {
        result = oracle_damage(&oracle, LINK_ERROR_OVERRUN, faults.lost, 0);
    } else if (event == RECEIVE_FAULT) {
        result = oracle_damage(&oracle, LINK_ERROR_LINE, faults.framing, faults.noise);
    } else if (now - last_reception >= 50) {
        result = oracle_silence(&oracle);
    }
    if (event != RECEIVE_NOTHING) {
        last_reception = now;
    }

    if (result.event == LINK_FRAME) {
        baud_unconfirmed = false;
        expect_answer(&result.frame);
    } else if (result.event == LINK_FAILURE) {
        if (result.failure.whole) {
            baud_unconfirmed = false;
        } else {
            doubt_baud(now);
        }
        expect_error(&result.failure);
    } else if (event == RECEIVE_NOTHING && baud_unconfirmed && now - baud_since >= 500
               && !oracle_is_receiving(&oracle)) {
        expect_default_baud();
    }
    if (result.event != LINK_NOTHING) {
        last_event = result;
    }
}

static void see_baud(uint32_t rate, uint32_t now)
{
    CHECK(rate == baud, "%u", rate);
    baud_unconfirmed = rate != DEFAULT_BAUD;
    baud_since = now;
}

static void see_output(uint8_t byte)
{
    CHECK(sent_bytes < MAX_SENT, "the board sends without end");
    sent[sent_bytes++] = byte;
}

/* ---- What it sent ---- */

/* One line without its end; the messages expected after it. */
static const char *check_line(const uint8_t *line, size_t size, const char *message)
{
    for (size_t k = 0; k < size; k++) {
        CHECK(line[k] >= ' ' && line[k] <= '~', "character %02x in a line", line[k]);
    }
    if (size == 0 || line[0] != '@') return message;

    CHECK(size > 10, "a message of %zu characters", size);
    const size_t content = size - 10;
    char checksum[11];
    snprintf(checksum, sizeof checksum, " #%08x", oracle_crc32(line, content));
    CHECK(memcmp(line + content, checksum, 10) == 0, "%.*s", (int)size, (const char *)line);

    CHECK(message < expected + expected_bytes, "sent without cause: %.*s", (int)size, (const char *)line);
    const size_t bytes = strlen(message) - 1;
    const bool complete = message[bytes] == '.';
    CHECK(complete ? content == bytes : content >= bytes, "sent %.*s instead of %s", (int)size,
          (const char *)line, message);
    CHECK(memcmp(line, message, bytes) == 0, "sent %.*s instead of %s", (int)size, (const char *)line,
          message);
    return message + strlen(message) + 1;
}

static void check_what_was_sent(void)
{
    const char *message = expected;
    for (size_t begin = 0, end; begin < sent_bytes; begin = end + 2) {
        for (end = begin; end + 1 < sent_bytes && !(sent[end] == '\r' && sent[end + 1] == '\n'); end++) {
        }
        CHECK(end + 1 < sent_bytes, "the last line has no end");
        message = check_line(sent + begin, end - begin, message);
    }
    CHECK(message == expected + expected_bytes, "not sent: %s", message);
    expected_bytes = 0;
    sent_bytes = 0;
}

/* ---- What the input does ---- */

static void byte(uint8_t value)
{
    simulated_send(&value, 1);
}

static void damage(struct receive_faults faults)
{
    simulated_damage(faults.lost, faults.framing, faults.noise);
}

static void silence(uint32_t milliseconds)
{
    simulated_silence_us(milliseconds * 1000);
}

static void reset(bool is_intact, enum board_clock_source source)
{
    /* The board is run up to the reset before its state is lost. */
    simulated_silence_us(0);
    oracle = (struct oracle){0};
    intact = is_intact;
    last_reception = 0;
    baud = DEFAULT_BAUD;
    clock_hz = source == BOARD_CLOCK_CRYSTAL ? 72000000 : 8000000;
    baud_unconfirmed = false;
    expect('*', "@boot firmware=");
    simulated_reset(is_intact, source);
}

/* After any input the board answers a good frame between delimiters, from a host at its rate. */
static void expect_good_frame(struct frame frame)
{
    uint8_t stuffed[FRAME_MAX_STUFFED];
    const size_t size = frame_stuff(&frame, stuffed);
    byte(0);
    simulated_silence_us(600000); /* the board may fall back to the default rate in this time */
    simulated_set_host_baud(0);
    simulated_settle();
    simulated_send(stuffed, size);
    byte(0);
    simulated_settle();
    CHECK(last_event.event == LINK_FRAME, "event %d for a good frame", last_event.event);
    CHECK(last_event.frame.sequence == frame.sequence, "%u", last_event.frame.sequence);
    CHECK(last_event.frame.checksum == frame_checksum(&frame), "%08x", last_event.frame.checksum);
}

/* An image takes as long as everything else together, so most inputs end with an info request. */
static const struct frame an_image = {
    .version = 2, .command = 2, .sequence = 0xbeef, .length = NETWORK_PIXELS, .seed = 99};
static const struct frame an_info_request = {.version = 2, .command = 1, .sequence = 0xbeef};

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static const struct script_actions actions = {byte,           silence, damage,
                                                  simulated_busy, reset,   simulated_set_host_baud};
    simulated_receive_tap = tap;
    simulated_baud_tap = see_baud;
    simulated_output_tap = see_output;
    reset(true, BOARD_CLOCK_CRYSTAL);
    script_play(input, size, &actions);
    simulated_settle();
    expect_good_frame(size % 8 == 0 ? an_image : an_info_request);
    check_what_was_sent();
    const uint8_t *ignored;
    simulated_output(&ignored);
    return 0;
}
