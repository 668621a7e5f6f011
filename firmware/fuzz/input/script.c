#include "script.h"

#include "frame.h"

/* Sends a frame, or its first 255ths.
 *   fields: version, command, two bytes of sequence number */
static void send_frame(const uint8_t *fields, int length, uint8_t seed, uint8_t share,
                       const struct script_actions *actions)
{
    const struct frame frame = {
        .version = fields[0],
        .command = fields[1],
        .sequence = (uint16_t)(fields[2] | fields[3] << 8),
        .length = (uint16_t)(length < 0 ? 0 : length % (FRAME_MAX_PAYLOAD + 1)),
        .seed = seed,
    };
    uint8_t stuffed[FRAME_MAX_STUFFED];
    const size_t size = frame_stuff(&frame, stuffed) * share / 255;
    for (size_t k = 0; k < size; k++) {
        actions->byte(stuffed[k]);
    }
}

/* Plays the escape whose letter is input[0]. Returns the bytes that it took, 0 if it is none or cut off. */
static size_t play_escape(const uint8_t *input, size_t size, const struct script_actions *actions)
{
    static const uint32_t rates[] = SCRIPT_RATES;
    if (size < 2) return 0;
    const uint8_t value = input[1];
    switch (input[0]) {
    case SCRIPT_SILENCE:
        actions->silence(value);
        return 2;
    case SCRIPT_LOST:
        actions->damage((struct receive_faults){.lost = value});
        return 2;
    case SCRIPT_LINE:
        actions->damage((struct receive_faults){.framing = value >> 4, .noise = value & 15});
        return 2;
    case SCRIPT_BUSY:
        actions->busy(value * 8u);
        return 2;
    case SCRIPT_RESET:
        actions->reset((value & 1) == 0, (enum board_clock_source)((value >> 1) % 3));
        return 2;
    case SCRIPT_HOST:
        actions->host_baud(rates[value % (sizeof rates / sizeof rates[0])]);
        return 2;
    case SCRIPT_FRAME:
        if (size < 8) return 0;
        send_frame(input + 1, input[5] | input[6] << 8, input[7], 255, actions);
        return 8;
    case SCRIPT_IMAGE:
        if (size < 8) return 0;
        send_frame(input + 1, NETWORK_PIXELS + (int8_t)input[5], input[6], input[7], actions);
        return 8;
    default:
        return 0;
    }
}

void script_play(const uint8_t *input, size_t size, const struct script_actions *actions)
{
    for (size_t at = 0; at < size;) {
        const bool escaped = input[at] == SCRIPT_ESCAPE;
        const size_t taken = escaped ? play_escape(input + at + 1, size - at - 1, actions) : 0;
        if (taken == 0) {
            actions->byte(input[at]);
        }
        at += 1 + taken;
    }
}
