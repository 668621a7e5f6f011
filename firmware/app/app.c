#include "app.h"

#include "baud.h"
#include "board.h"
#include "link.h"
#include "network.h"
#include "report.h"

_Static_assert(LINK_MAX_PAYLOAD >= sizeof(uint32_t), "the receiver has room for a baud request");

#define HEARTBEAT_MS 500 /* the LED changes twice a second while the main loop turns */

static struct link_receiver receiver;
static struct selftest selftest;
static uint32_t last_reception;         /* in board_milliseconds() */
static uint32_t cycles_while_receiving; /* spent on the image that is still arriving */

static void discard_partial_result(void)
{
    network_begin();
    cycles_while_receiving = 0;
}

/* ---- Boot ---- */

static struct selftest run_selftest(void)
{
    if (!board_firmware_intact()) {
        return (struct selftest){.result = SELFTEST_FLASH};
    }
    board_watchdog_feed();
    const uint32_t start = board_milliseconds();
    /* The receiver is idle: its buffer is free for the image. */
    const bool passed = network_selftest(receiver.storage);
    return (struct selftest){.result = passed ? SELFTEST_PASSED : SELFTEST_NETWORK,
                             .milliseconds = board_milliseconds() - start};
}

static void boot(void)
{
    report_start();
    network_pause = board_watchdog_feed;
    discard_partial_result();
    selftest = run_selftest();
    report_boot(selftest);
}

/* ---- Answers ---- */

static void answer_classify(const struct link_frame *frame)
{
    static int32_t logits[NETWORK_CLASSES]; /* not on the stack, whose use should not depend on the model */
    report_image();
    const uint32_t start = board_cycles();
    network_finish(frame->payload, logits);
    const uint32_t cycles = board_cycles() - start;
    report_result(frame, logits, cycles_while_receiving + cycles, cycles);
}

static void refuse(const struct link_frame *frame, enum link_error error, uint32_t first, uint32_t second)
{
    report_failure(
        &(struct link_failure){
            .error = error, .detail = {first, second}, .whole = true, .sequence = frame->sequence},
        selftest);
}

static void answer_baud(const struct link_frame *frame)
{
    const uint32_t rate = link_get_u32(frame->payload);
    const bool in_range = rate == LINK_BAUD || (rate >= LINK_RAISED_BAUD && rate <= LINK_MAX_BAUD);
    if (!in_range || !board_can_make_baud(rate)) {
        refuse(frame, LINK_ERROR_BAUD, rate, board_clock().hz);
        return;
    }
    report_baud(frame, rate);
    baud_change(rate);
}

static void answer(const struct link_frame *frame)
{
    switch (frame->command) {
    case LINK_COMMAND_INFO:
        if (frame->length != 0) {
            refuse(frame, LINK_ERROR_SIZE, frame->length, 0);
        } else {
            report_info(frame, selftest);
        }
        break;
    case LINK_COMMAND_CLASSIFY:
        if (frame->length != NETWORK_PIXELS) {
            refuse(frame, LINK_ERROR_SIZE, frame->length, NETWORK_PIXELS);
        } else if (selftest.result != SELFTEST_PASSED) {
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
        || selftest.result != SELFTEST_PASSED) {
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
        report_failure(&receiver.failure, selftest);
    }
    discard_partial_result();
}

/* A frame that is arriving may be the one that confirms the rate: it ends first. */
static bool fall_back(void)
{
    return receiver.state != LINK_RECEIVING && baud_fall_back();
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
    } else if (!fall_back() && !compute_part()) {
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
