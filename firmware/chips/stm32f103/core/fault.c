/* Reports a processor fault on the UART and resets the board. */

#include <stdint.h>

#include "board.h"
#include "clock.h"
#include "cortex_m3.h"
#include "handlers.h"
#include "link.h"
#include "registers.h"
#include "text.h"
#include "uart.h"

/* What the processor stacks when it takes an exception, DDI 0403 B1.5.6. */
struct exception_frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, psr;
};

extern const uint8_t stack_bottom[], stack_top[];

/* The handler has its own stack: the fault may be an overflow of the other one. */
#define FAULT_STACK_BYTES 256
__attribute__((used)) static _Alignas(8) uint8_t fault_stack[FAULT_STACK_BYTES];

static const char *fault_name(uint32_t exception)
{
    static const char *const names[] = {"nmi", "hard", "memory", "bus", "usage"};
    if (clock_is_lost()) {
        return "clock";
    }
    return exception >= 2 && exception <= 6 ? names[exception - 2] : "interrupt";
}

static uint32_t fault_address(uint32_t cfsr)
{
    if ((cfsr & SCB_CFSR_BFARVALID) != 0) {
        return SCB->bfar;
    }
    return (cfsr & SCB_CFSR_MMARVALID) != 0 ? SCB->mmfar : 0;
}

/* The stacked registers; zeros after a stack overflow, when the frame was not written. */
static struct exception_frame stacked_registers(const struct exception_frame *frame)
{
    const uint8_t *address = (const uint8_t *)frame;
    if (address < stack_bottom || address + sizeof *frame > stack_top) {
        return (struct exception_frame){0};
    }
    return *frame;
}

__attribute__((used, noreturn)) static void report_fault(const struct exception_frame *frame)
{
    const uint32_t exception = active_exception();
    const uint32_t cfsr = SCB->cfsr;
    const struct exception_frame registers = stacked_registers(frame);
    if (clock_is_lost()) {
        uart_set_clock(CLOCK_INTERNAL_HZ, LINK_BAUD);
    }
    uart_transmit_by_polling();
    text_end_line();
    text_put("Processor fault: ");
    text_put(fault_name(exception));
    text_line(". The board resets.");

    message_begin("fault");
    message_text("name", fault_name(exception));
    message_hex("pc", registers.pc);
    message_hex("lr", registers.lr);
    message_hex("psr", registers.psr);
    message_hex("cfsr", cfsr);
    message_hex("hfsr", SCB->hfsr);
    message_hex("address", fault_address(cfsr));
    message_end();
    uart_drain();
    system_reset();
}

/* Keeps the address of the stacked registers and changes to the fault stack before any C code pushes. */
__attribute__((naked)) void fault_entry(void)
{
    __asm volatile("mrs r0, msp\n\t"
                   "ldr r1, =fault_stack + %c0\n\t"
                   "msr msp, r1\n\t"
                   "b report_fault" ::"i"(FAULT_STACK_BYTES));
}
