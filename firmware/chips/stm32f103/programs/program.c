#include "program.h"

volatile uint32_t interrupts[48];

extern uint32_t stack_top, data_start, data_end, data_image, bss_start, bss_end;

static void put(char character)
{
    while (!(USART1->sr & USART_SR_TXE)) {
    }
    USART1->dr = (uint8_t)character;
}

static void print(const char *text)
{
    while (*text) {
        put(*text++);
    }
    put('\n');
}

void check(bool condition, const char *sentence)
{
    if (!condition) {
        print(sentence);
        for (;;) {
        }
    }
}

void delay_microseconds(uint32_t microseconds)
{
    uint32_t start = DWT_CYCCNT;
    while (DWT_CYCCNT - start < 8 * microseconds) {
    }
}

bool wait_for(reg32 *address, uint32_t mask, uint32_t value, uint32_t milliseconds)
{
    uint32_t start = DWT_CYCCNT;
    while ((*address & mask) != value) {
        if (DWT_CYCCNT - start > 8000 * milliseconds) {
            return false;
        }
    }
    return true;
}

void set_pin(char port, unsigned pin, uint32_t mode)
{
    reg32 *configuration = &GPIO(port)->cr[pin / 8];
    unsigned shift = 4 * (pin % 8);
    *configuration = (*configuration & ~(0xfu << shift)) | mode << shift;
}

void enable_interrupt(unsigned number)
{
    NVIC_ISER[number / 32] = 1u << number % 32;
}

__attribute__((weak)) void on_interrupt(unsigned number)
{
    (void)number;
}

static void handle(void)
{
    unsigned number = (SCB->icsr & 0x1ffu) - 16u;
    if (number < 48) {
        interrupts[number]++;
        on_interrupt(number);
    }
}

static void fault(void)
{
    check(false, "fault");
}

static void reset(void)
{
    for (uint32_t *to = &data_start, *from = &data_image; to < &data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &bss_start; to < &bss_end;) {
        *to++ = 0;
    }
    DEMCR |= DEMCR_TRCENA;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    RCC->ahbenr |= RCC_AHBENR_DMA1EN | 1u << 6;
    RCC->apb1enr = 0x1ae64807;
    RCC->apb2enr = 0x5e7d;
    USART1->brr = 8000000 / 115200;
    USART1->cr1 = USART_CR1_UE | USART_CR1_TE;
    set_pin('A', 9, GPIO_ALTERNATE_OUTPUT_50MHZ);
    run();
    print("ok");
    for (;;) {
    }
}

typedef void (*handler)(void);

/* clang-format off */
__attribute__((section(".vectors"), used)) static const handler vectors[16 + 48] = {
    (handler)&stack_top, reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, handle,
    handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle,
    handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle,
    handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle, handle,
};
/* clang-format on */
