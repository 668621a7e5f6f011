#include "wire.h"

#include "check.h"

#define SIXTEENTHS                                                                                           \
    16u /* of a bit; the receiver samples at three of them, as the USART does (RM0008, 27.3.3) */

static struct wire_character *character_at(struct wire *wire, size_t place)
{
    return &wire->characters[(wire->first + place) % WIRE_CAPACITY];
}

uint32_t wire_bit(uint32_t baud)
{
    return (1000000000u + baud / 2) / baud;
}

void wire_send(struct wire *wire, uint64_t now, uint32_t bit, uint8_t byte, uint16_t damage)
{
    CHECK(wire->count < WIRE_CAPACITY, "the receiver never passes what was sent");
    const uint64_t start = now > wire->sender_free ? now : wire->sender_free;
    wire->sender_free = start + (uint64_t)WIRE_BITS * bit;
    *character_at(wire, wire->count++) = (struct wire_character){
        .start = start,
        .end = wire->sender_free,
        .bit = bit,
        .levels = (uint16_t)((1u << 9 | (uint32_t)byte << 1) ^ damage),
    };
}

void wire_stop_sender(struct wire *wire, uint64_t now)
{
    while (wire->count > 0 && character_at(wire, wire->count - 1)->start >= now) {
        wire->count--;
    }
    if (wire->count > 0 && character_at(wire, wire->count - 1)->end > now) {
        character_at(wire, wire->count - 1)->end = now;
    }
    if (wire->sender_free > now) {
        wire->sender_free = now;
    }
}

void wire_start_receiver(struct wire *wire, uint64_t now, uint32_t bit)
{
    wire->receiver_bit = bit;
    if (wire->receiver_from < now) {
        wire->receiver_from = now;
    }
}

static bool level_in(const struct wire_character *character, uint64_t time)
{
    if (time < character->start || time >= character->end) {
        return true;
    }
    return (character->levels >> (time - character->start) / character->bit & 1) != 0;
}

/* The line's level. Characters from `place` on may cover that time. */
static bool level(struct wire *wire, size_t place, uint64_t time)
{
    for (; place < wire->count; place++) {
        const struct wire_character *character = character_at(wire, place);
        if (time < character->start) {
            return true;
        }
        if (time < character->end) {
            return level_in(character, time);
        }
    }
    return true;
}

/* The first falling edge of a character from the receiver's time on; false if it has none. */
static bool falling_edge(struct wire *wire, size_t place, uint64_t *edge)
{
    const struct wire_character *character = character_at(wire, place);
    const struct wire_character *before = place > 0 ? character_at(wire, place - 1) : NULL;
    bool was_high =
        before == NULL || before->end < character->start || level_in(before, character->start - 1);
    for (uint32_t k = 0; k < WIRE_BITS; k++) {
        const uint64_t time = character->start + (uint64_t)k * character->bit;
        const bool is_high = level_in(character, time);
        if (was_high && !is_high && time >= wire->receiver_from) {
            *edge = time;
            return true;
        }
        was_high = is_high;
    }
    return false;
}

/* Three samples in the middle of a bit that begins at `start`: their majority, and whether they differ. */
static bool sample(struct wire *wire, size_t place, uint64_t start, bool *noise)
{
    int high = 0;
    for (uint32_t k = 7; k <= 9; k++) {
        high += level(wire, place, start + (uint64_t)wire->receiver_bit * (2 * k + 1) / (2 * SIXTEENTHS));
    }
    *noise = *noise || (high != 0 && high != 3);
    return high >= 2;
}

static struct wire_reception sample_character(struct wire *wire, size_t place, uint64_t edge)
{
    struct wire_reception reception = {0};
    for (uint32_t k = 0; k < 8; k++) {
        if (sample(wire, place, edge + (uint64_t)(k + 1) * wire->receiver_bit, &reception.noise)) {
            reception.byte |= (uint8_t)(1u << k);
        }
    }
    reception.framing = !sample(wire, place, edge + 9ull * wire->receiver_bit, &reception.noise);
    return reception;
}

/* Whether the character is received as it was sent, so that it needs no samples. */
static bool is_undamaged(const struct wire *wire, const struct wire_character *character, uint64_t edge)
{
    return edge == character->start && character->bit == wire->receiver_bit
           && character->end == character->start + (uint64_t)WIRE_BITS * character->bit
           && (character->levels & 1) == 0 && character->levels >> 9 != 0;
}

/* Forgets the characters that the receiver has passed. One stays, for the level before the next. */
static void drop_passed(struct wire *wire)
{
    while (wire->count > 1 && character_at(wire, 0)->end <= wire->receiver_from
           && character_at(wire, 1)->end <= wire->receiver_from) {
        wire->first = (wire->first + 1) % WIRE_CAPACITY;
        wire->count--;
    }
}

bool wire_receive(struct wire *wire, uint64_t now, struct wire_reception *reception)
{
    for (size_t place = 0; place < wire->count; place++) {
        const struct wire_character *character = character_at(wire, place);
        uint64_t edge;
        if (character->end <= wire->receiver_from || !falling_edge(wire, place, &edge)) {
            continue;
        }
        const uint64_t sampled = edge + (uint64_t)wire->receiver_bit * (9 * SIXTEENTHS + 10) / SIXTEENTHS;
        if (sampled > now) {
            return false;
        }
        bool noise = false;
        if (is_undamaged(wire, character, edge)) {
            *reception = (struct wire_reception){.byte = (uint8_t)(character->levels >> 1)};
        } else if (sample(wire, place, edge, &noise)) {
            wire->receiver_from = edge + 1; /* too short for a start bit */
            place = (size_t)-1;
            continue;
        } else {
            *reception = sample_character(wire, place, edge);
        }
        reception->at = sampled;
        wire->receiver_from = sampled;
        drop_passed(wire);
        return true;
    }
    return false;
}
