#include "report.h"

#include "board.h"
#include "network.h"
#include "text.h"

static const char *name_of(struct selftest selftest)
{
    static const char *const names[] = {"passed", "flash", "network"};
    return names[selftest.result];
}

static const char *clock_source(void)
{
    static const char *const names[] = {
        [BOARD_CLOCK_CRYSTAL] = "hse", [BOARD_CLOCK_NO_CRYSTAL] = "hsi", [BOARD_CLOCK_NO_PLL] = "hsi-pll"};
    return names[board_clock().source];
}

/* The fields that @boot and @info have in common. */
static void put_state(struct selftest selftest)
{
    message_text("firmware", FIRMWARE_VERSION);
    message_text("reset", board_reset_reason());
    message_unsigned("clock", board_clock().hz);
    message_text("source", clock_source());
    message_text("selftest", name_of(selftest));
}

/* ---- Boot ---- */

static void report_clock(void)
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

void report_start(void)
{
    text_end_line();
    text_line("Firmware " FIRMWARE_VERSION ", model " MODEL_NAME);
    report_clock();
}

static void report_ready(void)
{
    text_line("Ready for next image");
}

void report_boot(struct selftest selftest)
{
    if (selftest.result != SELFTEST_PASSED) {
        text_put("Self-test failed: ");
        text_put(name_of(selftest));
        text_line(". No image will be classified. Flash the firmware again.");
    }
    message_begin("boot");
    put_state(selftest);
    message_end();
    report_ready();
}

/* ---- Answers ---- */

/* A message that answers a frame. */
static void answer_begin(const char *name, uint16_t sequence)
{
    message_begin(name);
    message_unsigned("seq", sequence);
}

void report_info(const struct link_frame *frame, struct selftest selftest)
{
    answer_begin("info", frame->sequence);
    message_unsigned("link", LINK_VERSION);
    put_state(selftest);
    message_unsigned("stack", board_stack_used());
    message_unsigned("inference", selftest.milliseconds);
    message_text("model", MODEL_NAME);
    message_hex("checksum", MODEL_CHECKSUM);
    message_unsigned("channels", NETWORK_CHANNELS);
    message_unsigned("rows", NETWORK_ROWS);
    message_unsigned("cols", NETWORK_COLUMNS);
    message_unsigned("classes", NETWORK_CLASSES);
    message_names("names", network_class_names, NETWORK_CLASSES);
    message_end();
}

void report_image(void)
{
    text_line("Image data received successfully");
    text_line("Starting inference...");
}

/* The real logit in hundredths, rounded. The compiler derives multiplier and shift from the logits' scale. */
static int64_t logit_hundredths(int32_t logit)
{
    const int64_t half = (int64_t)1 << (MODEL_CENTI_SHIFT - 1);
    return ((int64_t)logit * MODEL_CENTI_MULTIPLIER + half) >> MODEL_CENTI_SHIFT;
}

void report_result(const struct link_frame *frame, const int32_t logits[NETWORK_CLASSES], uint32_t cycles,
                   uint32_t finish_cycles)
{
    const int label = network_label(logits);

    /* For programs; the lines behind it are for people. */
    answer_begin("result", frame->sequence);
    message_hex("image", frame->checksum);
    message_unsigned("label", (uint32_t)label);
    message_signed_list("logits", logits, NETWORK_CLASSES);
    if (board_counts_cycles()) {
        message_unsigned("cycles", cycles);
        message_unsigned("finish", finish_cycles);
    }
    message_end();

    /* No longer than RECEIVE_WHILE_SENDING. */
    text_put("Predicted class: ");
    text_line(network_class_names[label]);
    text_line("Logits:");
    for (int k = 0; k < NETWORK_CLASSES; k++) {
        text_put("Class ");
        text_put(network_class_names[k]);
        text_put(": ");
        text_hundredths(logit_hundredths(logits[k]));
        text_end_line();
    }
    report_ready();
}

void report_baud(const struct link_frame *frame, uint32_t rate)
{
    answer_begin("baud", frame->sequence);
    message_unsigned("baud", rate);
    message_end();
}

void report_failure(const struct link_failure *failure, struct selftest selftest)
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
        message_text("failed", name_of(selftest));
    }
    message_end();
}
