#include "dma.h"

#include "cortex_m3.h"
#include "handlers.h"
#include "registers.h"

#define CHANNEL     (&DMA1->channel[DMA_CHANNEL_USART1_RX - 1])
#define FLAGS_SHIFT DMA_FLAGS_SHIFT(DMA_CHANNEL_USART1_RX)
#define HALF_BYTES  (RECEIVE_BUFFER_BYTES / 2)

static volatile uint32_t halves; /* of the buffer, filled since the start; written by the interrupt */

void dma_receive_start(struct receive_buffer *buffer)
{
    RCC->ahbenr |= RCC_AHBENR_DMA1EN;
    CHANNEL->cpar = (uint32_t)&USART1->dr;
    CHANNEL->cmar = (uint32_t)buffer->bytes;
    CHANNEL->cndtr = RECEIVE_BUFFER_BYTES;
    /* From 8 bits to 8 bits, above other channels' priority. */
    CHANNEL->ccr = DMA_CCR_PL_VERY_HIGH | DMA_CCR_MINC | DMA_CCR_CIRC | DMA_CCR_TEIE | DMA_CCR_HTIE
                   | DMA_CCR_TCIE | DMA_CCR_EN;
    NVIC_ISER[DMA1_CHANNEL5_IRQ / 32] = 1u << DMA1_CHANNEL5_IRQ % 32;
}

void dma1_channel5_handler(void)
{
    const uint32_t flags = DMA1->isr >> FLAGS_SHIFT & (DMA_TCIF | DMA_HTIF | DMA_TEIF);
    DMA1->ifcr = flags << FLAGS_SHIFT;
    /* Only a corrupted address register causes a transfer error, which stops the channel, 13.3.5. */
    if ((flags & DMA_TEIF) != 0) {
        system_reset();
    }
    if ((flags & DMA_HTIF) != 0) {
        halves++;
    }
    if ((flags & DMA_TCIF) != 0) {
        halves++;
    }
}

uint32_t dma_received(void)
{
    uint32_t filled;
    uint32_t remaining;
    do {
        filled = halves;
        remaining = CHANNEL->cndtr;
    } while (filled != halves);
    /* At the end of a lap CNDTR reads 0 or the size of the buffer, 13.4.4: both are its first place. */
    const uint32_t place = (RECEIVE_BUFFER_BYTES - remaining) % RECEIVE_BUFFER_BYTES;
    if (place / HALF_BYTES != filled % 2) {
        filled++; /* the interrupt that counts this half is pending */
    }
    return filled * HALF_BYTES + place % HALF_BYTES;
}
