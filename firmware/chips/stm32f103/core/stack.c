#include "stack.h"

#include "cortex_m3.h"

#define PAINT  0x5aa5c33cu
#define MARGIN 64u /* bytes below the stack pointer that stack_paint() itself may use */

extern uint32_t stack_bottom[], stack_top[];

void stack_paint(void)
{
    const uint32_t *end = (const uint32_t *)(stack_pointer() - MARGIN);
    for (volatile uint32_t *word = stack_bottom; word < end; word++) {
        *word = PAINT;
    }
}

uint32_t stack_used(void)
{
    const uint32_t *word = stack_bottom;
    while (word < stack_top && *word == PAINT) {
        word++;
    }
    return (uint32_t)((const uint8_t *)stack_top - (const uint8_t *)word);
}
