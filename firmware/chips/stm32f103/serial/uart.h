/* USART1, 8N1, by interrupt in both directions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "receive_buffer.h"

/* Starts USART1 on PA9 (TX) and PA10 (RX).
 *   pclk2: the clock of APB2 in Hz, here and below */
void uart_start(uint32_t pclk2, uint32_t baud);

/* Whether a whole divider of pclk2 makes this baud rate, and leaves time for every byte.
 *   tolerance: largest error in thousandths */
bool uart_can_make(uint32_t pclk2, uint32_t baud, uint32_t tolerance);

/* Changes the baud rate once everything queued has left the pin. */
void uart_set_baud(uint32_t pclk2, uint32_t baud);

/* Adapts to a clock that has changed by itself. The character being sent is damaged. */
void uart_set_clock(uint32_t pclk2, uint32_t baud);

/* Takes the next event that the interrupt stored. */
enum receive_event uart_receive(uint8_t *byte, struct receive_faults *faults);

/* Whether the interrupt stored an event that is not yet taken. */
bool uart_has_received(void);

/* Queues a byte for sending; sleeps while the queue is full. */
void uart_transmit(uint8_t byte);

/* Sends what is queued, and everything from now on, without interrupts: for fault handlers. */
void uart_transmit_by_polling(void);

/* Waits, by polling, until the last byte has left the pin. */
void uart_drain(void);
