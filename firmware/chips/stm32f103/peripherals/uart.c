#include "uart.h"

#include "cortex_m3.h"
#include "handlers.h"
#include "registers.h"

#define TRANSMIT_BUFFER_BYTES 256 /* a power of two */

static struct receive_buffer received;

/* Lock-free ring: the main loop writes head, the interrupt writes tail. Both count up and wrap. Volatile keeps the
 * order of the accesses. */
static struct {
    volatile uint16_t head;
    volatile uint16_t tail;
    volatile uint8_t bytes[TRANSMIT_BUFFER_BYTES];
} queued;
static bool polling;
static bool pends_transmit_interrupt;

/* CR1 has one of these two values, so that it is stored and never read. The main loop may enable the transmit
 * interrupt just after the interrupt emptied the queue: one interrupt then finds nothing to send. */
#define LISTENING (USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_RXNEIE)
#define SENDING   (LISTENING | USART_CR1_TXEIE)

#define TX_SHIFT 4u /* PA9 in CRH */
#define RX_SHIFT 8u /* PA10 in CRH */
#define RX_PIN   10u

#define MIN_DIVIDER 36u /* a byte then lasts 360 cycles; its interrupt and the receiver take 282 of them */

/* Mantissa and fraction of BRR together are pclk2 / baud, 27.3.4. */
static uint32_t divider_for(uint32_t pclk2, uint32_t baud)
{
    return (pclk2 + baud / 2) / baud;
}

/* QEMU's USART never raises TXE by itself: there, software pends the transmit interrupt. QEMU is the chip without an
 * RCC, where CR reads 0. On silicon HSION, bit 0, is set after reset, and HSERDY while the crystal runs the chip. */
static bool is_qemu(void)
{
    return RCC->cr == 0;
}

static void configure_pin(uint32_t shift, uint32_t mode)
{
    GPIO('A')->cr[1] = (GPIO('A')->cr[1] & ~(GPIO_MODE_MASK << shift)) | mode << shift;
}

void uart_start(uint32_t pclk2, uint32_t baud)
{
    RCC->apb2enr |= RCC_APB2ENR_IOPEN('A') | RCC_APB2ENR_USART1EN;
    GPIO('A')->odr |= 1u << RX_PIN; /* pull RX up: an unplugged wire is an idle line */
    configure_pin(RX_SHIFT, GPIO_INPUT_PULL);
    pends_transmit_interrupt = is_qemu();

    USART1->brr = divider_for(pclk2, baud);
    USART1->cr1 = LISTENING;
    configure_pin(TX_SHIFT, GPIO_ALTERNATE_OUTPUT_50MHZ); /* now that the transmitter drives it high */
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
    if (pends_transmit_interrupt) {
        NVIC_ISPR[USART1_IRQ / 32] = 1u << USART1_IRQ % 32;
    }
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

bool uart_can_make(uint32_t pclk2, uint32_t baud, uint32_t tolerance)
{
    const uint32_t divider = divider_for(pclk2, baud);
    if (divider < MIN_DIVIDER) {
        return false;
    }
    const uint32_t made = pclk2 / divider;
    const uint32_t deviation = made > baud ? made - baud : baud - made;
    return deviation <= baud * tolerance / 1000;
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
