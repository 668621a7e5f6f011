#include "uart.h"

#include "cortex_m3.h"
#include "handlers.h"
#include "registers.h"

#define TRANSMIT_BUFFER_BYTES 256 /* a power of two */

static struct receive_buffer received;

/* Volatile, and each with one writer: nothing here keeps the interrupt out. */
static struct {
    volatile uint16_t head; /* written by the main loop; both count up and wrap */
    volatile uint16_t tail; /* written by the interrupt */
    volatile uint8_t bytes[TRANSMIT_BUFFER_BYTES];
} queued;
static bool polling;

/* CR1 has one of these two values, so that it is stored and never read. The main loop may ask for the transmit
 * interrupt just after that emptied the queue: it comes once for nothing. */
#define LISTENING (USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_RXNEIE)
#define SENDING   (LISTENING | USART_CR1_TXEIE)

#define MIN_DIVIDER 36u /* a byte then lasts 360 cycles, of which its interrupt and the receiver take 284 */
#define TOLERANCE   50u /* one part in so many */

/* Mantissa and fraction of BRR together are pclk2 / baud, 27.3.4. */
static uint32_t divider_for(uint32_t pclk2, uint32_t baud)
{
    return (pclk2 + baud / 2) / baud;
}

void uart_start(uint32_t pclk2, uint32_t baud)
{
    RCC->apb2enr |= RCC_APB2ENR_IOPEN('A') | RCC_APB2ENR_USART1EN;
    GPIO('A')->odr |= 1u << 10; /* pull RX up: an unplugged wire is an idle line */
    const uint32_t others = GPIO('A')->cr[1] & ~(GPIO_MODE_MASK << 4 | GPIO_MODE_MASK << 8);
    GPIO('A')->cr[1] = others | GPIO_ALTERNATE_OUTPUT_50MHZ << 4 | GPIO_INPUT_PULL << 8;

    USART1->brr = divider_for(pclk2, baud);
    USART1->cr1 = LISTENING;
    NVIC_ISER[USART1_IRQ / 32] = 1u << USART1_IRQ % 32;
}

static bool all_taken(void)
{
    return queued.head == queued.tail;
}

static bool has_room(void)
{
    return (uint16_t)(queued.head - queued.tail) < TRANSMIT_BUFFER_BYTES;
}

static uint8_t next_queued(void)
{
    const uint8_t byte = queued.bytes[queued.tail % TRANSMIT_BUFFER_BYTES];
    queued.tail++;
    return byte;
}

/* RXNEIE also raises this for an overrun; reading SR and then DR clears every flag (27.6.1). */
static void receive(uint32_t status)
{
    const uint8_t byte = (uint8_t)USART1->dr;
    const uint32_t damage = status & (USART_SR_FE | USART_SR_NE);
    if (damage == 0 && (status & USART_SR_RXNE) != 0) {
        receive_buffer_put(&received, byte);
    }
    /* After an overrun DR still holds the byte before the lost ones, stored above. */
    if (damage != 0 || (status & USART_SR_ORE) != 0) {
        receive_buffer_damage(&received, (struct receive_faults){
                                             .lost = (status & USART_SR_ORE) != 0,
                                             .framing = (status & USART_SR_FE) != 0,
                                             .noise = (status & USART_SR_NE) != 0,
                                         });
    }
}

void usart1_handler(void)
{
    const uint32_t status = USART1->sr;
    if ((status & (USART_SR_RXNE | USART_SR_ORE | USART_SR_NE | USART_SR_FE)) != 0) {
        receive(status);
    }
    while (!all_taken() && (USART1->sr & USART_SR_TXE) != 0) {
        USART1->dr = next_queued();
    }
    if (all_taken()) {
        USART1->cr1 = LISTENING;
    }
}

enum receive_event uart_receive(uint8_t *byte, struct receive_faults *faults)
{
    return receive_buffer_get(&received, byte, faults);
}

bool uart_has_received(void)
{
    return !receive_buffer_is_empty(&received);
}

static void transmit_now(uint8_t byte)
{
    while ((USART1->sr & USART_SR_TXE) == 0) {
    }
    USART1->dr = byte;
}

void uart_transmit(uint8_t byte)
{
    if (polling) {
        transmit_now(byte);
        return;
    }
    while (!has_room()) {
        sleep_unless(has_room);
    }
    queued.bytes[queued.head % TRANSMIT_BUFFER_BYTES] = byte;
    queued.head++;
    USART1->cr1 = SENDING;
    NVIC_ISPR[USART1_IRQ / 32] = 1u << USART1_IRQ % 32; /* QEMU's USART never raises TXE by itself */
}

void uart_transmit_by_polling(void)
{
    polling = true;
    while (!all_taken()) {
        transmit_now(next_queued());
    }
}

void uart_drain(void)
{
    while ((USART1->sr & USART_SR_TC) == 0) {
    }
}

bool uart_can_make(uint32_t pclk2, uint32_t baud)
{
    const uint32_t divider = divider_for(pclk2, baud);
    if (divider < MIN_DIVIDER) {
        return false;
    }
    const uint32_t made = pclk2 / divider;
    const uint32_t deviation = made > baud ? made - baud : baud - made;
    return deviation <= baud / TOLERANCE;
}

void uart_set_clock(uint32_t pclk2, uint32_t baud)
{
    USART1->brr = divider_for(pclk2, baud);
}

void uart_set_baud(uint32_t pclk2, uint32_t baud)
{
    while (!all_taken()) {
        sleep_unless(all_taken);
    }
    uart_drain();
    USART1->brr = divider_for(pclk2, baud);
}
