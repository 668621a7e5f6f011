/* The vector table and the reset handler. */

#include <stdint.h>

#include "app.h"
#include "handlers.h"
#include "stack.h"

extern uint32_t stack_top[], data_start[], data_end[], bss_start[], bss_end[];
extern const uint32_t data_image[];

void reset_handler(void)
{
    const uint32_t *image = data_image;
    for (volatile uint32_t *word = data_start; word < data_end; word++) {
        *word = *image++;
    }
    for (volatile uint32_t *word = bss_start; word < bss_end; word++) {
        *word = 0;
    }
    stack_paint();
    app_run();
}

/* RM0008, table 63. An interrupt that the firmware does not use is reported as a fault. */
#define INTERRUPTS 43

struct vectors {
    const uint32_t *initial_stack_pointer;
    void (*handlers[15 + INTERRUPTS])(void);
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    .initial_stack_pointer = stack_top,
    .handlers =
        {
            [0] = reset_handler,
            [1 ... 5] = fault_entry, /* NMI, hard, memory-management, bus, usage */
            [10] = fault_entry,      /* SVCall */
            [11] = fault_entry,      /* debug monitor */
            [13] = fault_entry,      /* PendSV */
            [14] = systick_handler,
            [15 ... 15 + 14] = fault_entry,
            [15 + 15] = dma1_channel5_handler,
            [15 + 16 ... 15 + 36] = fault_entry,
            [15 + 37] = usart1_handler,
            [15 + 38 ... 15 + INTERRUPTS - 1] = fault_entry,
        },
};
