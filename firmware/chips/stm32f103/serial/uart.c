#include "uart.h"

#include "cortex_m3.h"
#include "dma.h"
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

/* QEMU's USART raises no transmit interrupt by itself: software pends it. QEMU has no DMA either: each received
 * byte raises an interrupt. */
static bool on_qemu;

/* CR1 while nothing is queued for sending. It is never read back, only stored with or without TXEIE. The main loop
 * may enable the transmit interrupt just after the interrupt emptied the queue: one interrupt then finds nothing to
 * send. */
static uint32_t listening;

#define CR1_DMA       (USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_IDLEIE)
#define CR1_INTERRUPT (USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_RXNEIE)

#define TX_SHIFT 4u /* PA9 in CRH */
#define RX_SHIFT 8u /* PA10 in CRH */
#define RX_PIN   10u

#define MIN_DIVIDER 36u /* a byte then lasts 360 cycles; the main loop takes 239 of them */

/* Mantissa and fraction of BRR together are pclk2 / baud, 27.3.4. */
static uint32_t divider_for(uint32_t pclk2, uint32_t baud)
{
    return (pclk2 + baud / 2) / baud;
}

/* QEMU is the chip without an RCC, where CR reads 0. On silicon HSION, bit 0, is set after reset, and HSERDY while
 * the crystal runs the chip. */
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

    on_qemu = is_qemu();
    listening = on_qemu ? CR1_INTERRUPT : CR1_DMA;
    USART1->brr = divider_for(pclk2, baud);
    if (!on_qemu) {
        dma_receive_start(&received);
        USART1->cr3 = USART_CR3_DMAR | USART_CR3_EIE;
    }
    USART1->cr1 = listening;
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

#define RECEIVE_FLAGS (USART_SR_ORE | USART_SR_NE | USART_SR_FE)

static struct receive_faults faults_of(uint32_t status)
{
    return (struct receive_faults){
        .lost = (status & USART_SR_ORE) != 0,
        .framing = (status & USART_SR_FE) != 0,
        .noise = (status & USART_SR_NE) != 0,
    };
}

/* Called after SR was read: reading DR then clears every flag of reception (27.6.1). */
static void receive_by_interrupt(uint32_t status)
{
    const uint8_t byte = (uint8_t)USART1->dr;
    const uint32_t damage = status & (USART_SR_FE | USART_SR_NE);
    if (damage == 0 && (status & USART_SR_RXNE) != 0) {
        receive_buffer_put(&received, byte);
    }
    /* After an overrun DR still holds the byte before the lost ones, stored above. */
    if (damage != 0 || (status & USART_SR_ORE) != 0) {
        receive_buffer_damage(&received, faults_of(status));
    }
}

/* Called after SR was read, as above. The interrupt of a damaged byte comes before DMA stores the next one, so the
 * last one stored is the damaged one. IDLE only wakes the main loop: no byte of the frame raises an interrupt. */
static void receive_by_dma(uint32_t status)
{
    (void)USART1->dr;
    if ((status & RECEIVE_FLAGS) != 0) {
        const uint32_t end = dma_received();
        const uint32_t damaged = (status & (USART_SR_FE | USART_SR_NE)) != 0;
        receive_buffer_damage_at(&received, end - damaged, end, faults_of(status));
    }
}

void usart1_handler(void)
{
    const uint32_t status = USART1->sr;
    if (on_qemu && (status & (USART_SR_RXNE | RECEIVE_FLAGS)) != 0) {
        receive_by_interrupt(status);
    } else if (!on_qemu && (status & (USART_SR_IDLE | RECEIVE_FLAGS)) != 0) {
        receive_by_dma(status);
    }
    while (!all_taken() && (USART1->sr & USART_SR_TXE) != 0) {
        USART1->dr = next_queued();
    }
    if (all_taken()) {
        USART1->cr1 = listening;
    }
}

static void advance(void)
{
    if (!on_qemu) {
        receive_buffer_advance(&received, dma_received());
    }
}

enum receive_event uart_receive(uint8_t *byte, struct receive_faults *faults)
{
    advance();
    return receive_buffer_get(&received, byte, faults);
}

bool uart_has_received(void)
{
    advance();
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
    USART1->cr1 = listening | USART_CR1_TXEIE;
    if (on_qemu) {
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
