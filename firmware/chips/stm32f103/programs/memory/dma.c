/* DMA1 copies memory and interrupts, and refuses an address where nothing is. */
#include "program.h"

static uint32_t source[32], target[32];

void on_interrupt(unsigned number)
{
    (void)number;
    DMA1->ifcr = 1;
}

void run(void)
{
    for (unsigned k = 0; k < 32; k++) {
        source[k] = k * 0x01010101u;
    }
    struct dma_channel *channel = &DMA1->channel[0];
    channel->cpar = (uint32_t)source;
    channel->cmar = (uint32_t)target;
    channel->cndtr = 32;
    enable_interrupt(11);
    channel->ccr = 1u << 14 | 2u << 10 | 2u << 8 | 1u << 7 | 1u << 6 | DMA_CCR_TCIE | DMA_CCR_EN;
    delay_microseconds(200);
    check(interrupts[11] == 1, "no interrupt at the end");
    check(channel->cndtr == 0, "not every item was moved");
    for (unsigned k = 0; k < 32; k++) {
        check(target[k] == source[k], "the copy differs");
    }
    channel->ccr = 0;
    channel->cpar = 0x60000000;
    channel->cndtr = 1;
    channel->ccr = 1u << 14 | 2u << 10 | 2u << 8 | DMA_CCR_EN;
    delay_microseconds(100);
    check(DMA1->isr & DMA_TEIF, "no transfer error");
}
