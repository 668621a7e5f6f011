/* A small program that tests one peripheral, on the simulated chip and on a real board alike. It runs from the internal
 * oscillator at 8 MHz and prints "ok" or what failed on USART1, PA9, at 115200 baud. */
#pragma once

#include "registers.h"

#include <stdbool.h>

#define REG(address) (*(reg32 *)(address))

/* The program, in another file. */
void run(void);

/* Prints the sentence and stops when the condition does not hold. */
void check(bool condition, const char *sentence);

/* Whether the bits come within about this many milliseconds. */
bool wait_for(reg32 *address, uint32_t mask, uint32_t value, uint32_t milliseconds);

void delay_microseconds(uint32_t microseconds);

/* mode: CNF and MODE of RM0008 9.2.1 */
void set_pin(char port, unsigned pin, uint32_t mode);

void enable_interrupt(unsigned number);

/* How often the interrupt of this number came, up to 47. What `on_interrupt` does to end it is the program's. */
extern volatile uint32_t interrupts[48];
void on_interrupt(unsigned number);
