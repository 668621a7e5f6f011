#pragma once

#include <stdint.h>

#include "receive_buffer.h"

/* Lets DMA1's channel 5 store every byte that USART1 receives in the buffer, without the processor. */
void dma_receive_start(struct receive_buffer *buffer);

/* The bytes stored since the start; wraps. At most half a buffer may arrive while interrupts are disabled. */
uint32_t dma_received(void);
