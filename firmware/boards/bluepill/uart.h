#pragma once

#include <stdint.h>

#include "receive_buffer.h"

/* Starts USART1 on PA9 (TX) and PA10 (RX), 8N1, receiving by interrupt.
 *   pclk2: the clock of APB2 in Hz */
void uart_start(uint32_t pclk2, uint32_t baud);

/* Takes the next event that the interrupt stored. */
enum receive_event uart_receive(uint8_t *byte, struct receive_faults *faults);

/* Waits for room and sends a byte. Needs no interrupt, so fault handlers can use it. */
void uart_transmit(uint8_t byte);

/* Waits until the last byte has left the pin. */
void uart_drain(void);

/* Whether uart_receive() would return RECEIVE_NOTHING. Call it with interrupts disabled. */
int uart_receive_empty(void);
