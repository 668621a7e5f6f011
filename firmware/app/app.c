#include "app.h"

#include "baud.h"
#include "board.h"
#include "link.h"
#include "model.h"
#include "network.h"
#include "text.h"

_Static_assert(LINK_MAX_PAYLOAD == NETWORK_PIXELS, "the longest payload is one image");

#define HEARTBEAT_MS 500 /* the LED changes twice a second while the main loop turns */

enum selftest { SELFTEST_PASSED, SELFTEST_FLASH, SELFTEST_NETWORK };

static struct link_receiver receiver;
static enum selftest selftest;
static uint32_t inference_ms;           /* that the self-test's image took */
static uint32_t last_reception;         /* in board_milliseconds() */
static uint32_t cycles_while_receiving; /* spent on the image that is still arriving */

static const char *selftest_name(void)
{
    static const char *const names[] = {"passed", "flash", "network"};
    return names[selftest];
}

static const char *clock_source(void)
{
    static const char *const names[] = {
        [BOARD_CLOCK_CRYSTAL] = "hse", [BOARD_CLOCK_NO_CRYSTAL] = "hsi", [BOARD_CLOCK_NO_PLL] = "hsi-pll"};
    return names[board_clock().source];
}

static void discard_partial_result(void)
{
    network_begin();
    cycles_while_receiving = 0;
}

/* ---- Boot ---- */

static enum selftest run_selftest(void)
{
    if (!board_firmware_intact()) {
        return SELFTEST_FLASH;
    }
    board_watchdog_feed();
    const uint32_t start = board_milliseconds();
    /* The receiver is idle: its buffer is free for the image. */
    const bool passed = network_selftest(receiver.storage);
    inference_ms = board_milliseconds() - start;
    return passed ? SELFTEST_PASSED : SELFTEST_NETWORK;
}

static void announce_clock(void)
{
    text_put("Clock: ");
    text_unsigned(board_clock().hz / 1000000);
    if (board_clock().source == BOARD_CLOCK_CRYSTAL) {
        text_line(" MHz from the crystal");
        return;
    }
    text_put(" MHz from the internal oscillator: the ");
    text_put(board_clock().source == BOARD_CLOCK_NO_PLL ? "PLL" : "crystal");
    text_line(" did not start");
}

static void boot(void)
{
    text_end_line();
    text_line("MNIST on a Blue Pill, firmware " FIRMWARE_VERSION ", model " MODEL_NAME);
    announce_clock();
    network_pause = board_watchdog_feed;
    discard_partial_result();
    selftest = run_selftest();
    if (selftest != SELFTEST_PASSED) {
        text_put("Self-test failed: ");
        text_put(selftest_name());
        text_line(". No image will be classified. Flash the firmware again.");
    }

    message_begin("boot");
    message_text("firmware", FIRMWARE_VERSION);
    message_text("reset", board_reset_reason());
    message_unsigned("clock", board_clock().hz);
    message_text("source", clock_source());
    message_text("selftest", selftest_name());
    message_end();
    text_line("Ready for next image");
}

/* ---- Answers ---- */

static void answer_info(const struct link_frame *frame)
{
    message_begin("info");
    message_unsigned("seq", frame->sequence);
    message_unsigned("link", LINK_VERSION);
    message_text("firmware", FIRMWARE_VERSION);
    message_text("model", MODEL_NAME);
    message_hex("checksum", MODEL_CHECKSUM);
    message_unsigned("clock", board_clock().hz);
    message_text("source", clock_source());
    message_unsigned("rows", NETWORK_ROWS);
    message_unsigned("cols", NETWORK_COLUMNS);
    message_unsigned("classes", NETWORK_CLASSES);
    message_text("reset", board_reset_reason());
    message_text("selftest", selftest_name());
    message_unsigned("stack", board_stack_used());
    message_unsigned("inference", inference_ms);
    message_end();
}

/* The real logit in hundredths, rounded. The compiler derives multiplier and shift from the logits' scale. */
static int64_t logit_hundredths(int32_t logit)
{
    const int64_t half = (int64_t)1 << (MODEL_CENTI_SHIFT - 1);
    return ((int64_t)logit * MODEL_CENTI_MULTIPLIER + half) >> MODEL_CENTI_SHIFT;
}

static void answer_classify(const struct link_frame *frame)
{
    int32_t logits[NETWORK_CLASSES];
    text_line("Image data received successfully");
    text_line("Starting inference...");
    const uint32_t start = board_cycles();
    network_finish(frame->payload, logits);
    const uint32_t cycles = board_cycles() - start;
    const uint32_t label = (uint32_t)network_label(logits);

    /* For programs; the lines behind it are for people. */
    message_begin("result");
    message_unsigned("seq", frame->sequence);
    message_hex("image", frame->checksum);
    message_unsigned("label", label);
    message_signed_list("logits", logits, NETWORK_CLASSES);
    if (board_counts_cycles()) {
        message_unsigned("cycles", cycles_while_receiving + cycles);
        message_unsigned("finish", cycles);
    }
    message_end();

    text_put("Predicted class: ");
    text_unsigned(label);
    text_end_line();
    text_line("Logits:");
    for (uint32_t k = 0; k < NETWORK_CLASSES; k++) {
        text_put("Class ");
        text_unsigned(k);
        text_put(": ");
        text_hundredths(logit_hundredths(logits[k]));
        text_end_line();
    }
    text_line("Ready for next image");
}

static void answer_failure(const struct link_failure *failure)
{
    static const struct {
        const char *name;
        const char *detail[2];
    } errors[] = {
#define LINK_ERROR_ROW(identifier, name, first, second) {name, {first, second}},
        LINK_ERRORS(LINK_ERROR_ROW)
#undef LINK_ERROR_ROW
    };

    message_begin("error");
    message_text("name", errors[failure->error].name);
    if (failure->whole) {
        message_unsigned("seq", failure->sequence);
    }
    for (int k = 0; k < 2 && errors[failure->error].detail[k] != 0; k++) {
        if (failure->error == LINK_ERROR_CRC) {
            message_hex(errors[failure->error].detail[k], failure->detail[k]);
        } else {
            message_unsigned(errors[failure->error].detail[k], failure->detail[k]);
        }
    }
    if (failure->error == LINK_ERROR_SELFTEST) {
        message_text("failed", selftest_name());
    }
    message_end();
}

static void refuse(const struct link_frame *frame, enum link_error error, uint32_t first, uint32_t second)
{
    answer_failure(&(struct link_failure){
        .error = error, .detail = {first, second}, .whole = true, .sequence = frame->sequence});
}

static void answer_baud(const struct link_frame *frame)
{
    const uint32_t rate = link_get_u32(frame->payload);
    const bool in_range = rate == LINK_BAUD || (rate >= LINK_RAISED_BAUD && rate <= LINK_MAX_BAUD);
    if (!in_range || !board_can_make_baud(rate)) {
        refuse(frame, LINK_ERROR_BAUD, rate, board_clock().hz);
        return;
    }
    message_begin("baud");
    message_unsigned("seq", frame->sequence);
    message_unsigned("baud", rate);
    message_end();
    baud_change(rate);
}

static void answer(const struct link_frame *frame)
{
    switch (frame->command) {
    case LINK_COMMAND_INFO:
        if (frame->length != 0) {
            refuse(frame, LINK_ERROR_SIZE, frame->length, 0);
        } else {
            answer_info(frame);
        }
        break;
    case LINK_COMMAND_CLASSIFY:
        if (frame->length != NETWORK_PIXELS) {
            refuse(frame, LINK_ERROR_SIZE, frame->length, NETWORK_PIXELS);
        } else if (selftest != SELFTEST_PASSED) {
            refuse(frame, LINK_ERROR_SELFTEST, 0, 0);
        } else {
            answer_classify(frame);
        }
        break;
    case LINK_COMMAND_BAUD:
        if (frame->length != sizeof(uint32_t)) {
            refuse(frame, LINK_ERROR_SIZE, frame->length, sizeof(uint32_t));
        } else {
            answer_baud(frame);
        }
        break;
    default:
        refuse(frame, LINK_ERROR_COMMAND, frame->command, 0);
    }
}

/* ---- Computing while the image arrives ---- */

/* Computes a part of an image that is still arriving; false if there is nothing to compute yet.
 *
 * The frame is not verified yet. The partial result stays in the network until network_finish(), which is called
 * once the checksum has matched. A damaged frame costs only time. */
static bool compute_part(void)
{
    const struct link_progress frame = link_progress(&receiver);
    if (frame.command != LINK_COMMAND_CLASSIFY || frame.length != NETWORK_PIXELS
        || selftest != SELFTEST_PASSED) {
        return false;
    }
    const uint32_t start = board_cycles();
    if (!network_rows(frame.payload, network_rows_in(frame.payload_bytes))) {
        return false;
    }
    cycles_while_receiving += board_cycles() - start;
    return true;
}

/* ---- The main loop ---- */

/* Passes one event of the receive buffer to the receiver; false if the buffer is empty. */
static bool receive(enum link_event *event)
{
    uint8_t byte;
    struct receive_faults faults;
    const enum receive_event received = board_receive(&byte, &faults);
    if (received != RECEIVE_NOTHING) {
        last_reception = board_milliseconds();
    }
    switch (received) {
    case RECEIVE_BYTE:
        *event = link_receive(&receiver, byte);
        break;
    case RECEIVE_FAULT:
        baud_doubt();
        *event = faults.lost > 0 ? link_damage(&receiver, LINK_ERROR_OVERRUN, faults.lost, 0)
                                 : link_damage(&receiver, LINK_ERROR_LINE, faults.framing, faults.noise);
        break;
    default:
        return false;
    }
    return true;
}

static void handle(enum link_event event)
{
    if (event == LINK_FRAME || receiver.failure.whole) {
        baud_confirm();
    } else {
        baud_doubt();
    }
    if (event == LINK_FRAME) {
        answer(&receiver.frame);
    } else {
        answer_failure(&receiver.failure);
    }
    discard_partial_result();
}

void app_poll(void)
{
    enum link_event event = LINK_NOTHING;
    /* Bounded, so that continuous input cannot starve the watchdog. */
    for (int k = 0; k < 2 * RECEIVE_BUFFER_BYTES && event == LINK_NOTHING && receive(&event); k++) {
    }
    /* Only an empty buffer proves silence: bytes may have waited while the network was computing. */
    if (event == LINK_NOTHING && board_milliseconds() - last_reception >= LINK_TIMEOUT_MS) {
        event = link_silence(&receiver);
    }

    if (event != LINK_NOTHING) {
        handle(event);
    } else if (!baud_fall_back() && !compute_part()) {
        board_idle();
    }

    board_watchdog_feed();
    board_led(board_milliseconds() / HEARTBEAT_MS % 2 == 0);
}

void app_start(void)
{
    board_init();
    link_start(&receiver);
    last_reception = board_milliseconds();
    baud_start();
    boot();
}

void app_run(void)
{
    app_start();
    for (;;) {
        app_poll();
    }
}
