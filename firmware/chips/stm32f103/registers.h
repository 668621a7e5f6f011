/* The registers that this firmware uses. Section numbers in this folder are those of the reference manual RM0008.
 * DDI 0337 and DDI 0403 are ARM's manuals of the Cortex-M3 and of ARMv7-M. */
#pragma once

#include <stdint.h>

typedef volatile uint32_t reg32;

/* Reset and clock control, 7.3 */
struct rcc {
    reg32 cr, cfgr, cir, apb2rstr, apb1rstr, ahbenr, apb2enr, apb1enr, bdcr, csr;
};
#define RCC                  ((struct rcc *)0x40021000)
#define RCC_CR_HSION         (1u << 0)
#define RCC_CR_HSEON         (1u << 16)
#define RCC_CR_HSERDY        (1u << 17)
#define RCC_CR_CSSON         (1u << 19)
#define RCC_CR_PLLON         (1u << 24)
#define RCC_CR_PLLRDY        (1u << 25)
#define RCC_CFGR_SW_MASK     (3u << 0)
#define RCC_CFGR_SW_PLL      (2u << 0)
#define RCC_CFGR_SWS_MASK    (3u << 2)
#define RCC_CFGR_SWS_HSI     (0u << 2)
#define RCC_CFGR_SWS_PLL     (2u << 2)
#define RCC_CFGR_PPRE1_DIV2  (4u << 8)
#define RCC_CFGR_PLLSRC_HSE  (1u << 16)
#define RCC_CFGR_PLLMUL(n)   (((n) - 2u) << 18)
#define RCC_CIR_CSSF         (1u << 7)
#define RCC_AHBENR_DMA1EN    (1u << 0)
#define RCC_APB2ENR_IOPEN(p) (1u << ((p) - 'A' + 2)) /* 'A' to 'E' */
#define RCC_APB2ENR_USART1EN (1u << 14)
#define RCC_CSR_RMVF         (1u << 24)
#define RCC_CSR_PINRSTF      (1u << 26)
#define RCC_CSR_PORRSTF      (1u << 27)
#define RCC_CSR_SFTRSTF      (1u << 28)
#define RCC_CSR_IWDGRSTF     (1u << 29)
#define RCC_CSR_WWDGRSTF     (1u << 30)
#define RCC_CSR_LPWRRSTF     (1u << 31)

/* Flash access control, 3.3.3 */
#define FLASH_ACR           (*(reg32 *)0x40022000)
#define FLASH_ACR_LATENCY_2 (2u << 0)
#define FLASH_ACR_PRFTBE    (1u << 4)

/* General-purpose I/O, 9.2 */
struct gpio {
    reg32 cr[2]; /* CRL, pins 0 to 7, and CRH, pins 8 to 15 */
    reg32 idr, odr, bsrr, brr, lckr;
};
#define GPIO(port)                  ((struct gpio *)(0x40010800 + ((port) - 'A') * 0x400)) /* 'A' to 'E' */
#define GPIO_OUTPUT_2MHZ            0x2u /* push-pull */
#define GPIO_INPUT_PULL             0x8u /* up or down, by ODR */
#define GPIO_ALTERNATE_OUTPUT_50MHZ 0xbu /* push-pull */
#define GPIO_MODE_MASK              0xfu

/* USART, 27.6 */
struct usart {
    reg32 sr, dr, brr, cr1, cr2, cr3, gtpr;
};
#define USART1           ((struct usart *)0x40013800)
#define USART1_IRQ       37
#define USART_SR_FE      (1u << 1)
#define USART_SR_NE      (1u << 2)
#define USART_SR_ORE     (1u << 3)
#define USART_SR_IDLE    (1u << 4)
#define USART_SR_RXNE    (1u << 5)
#define USART_SR_TC      (1u << 6)
#define USART_SR_TXE     (1u << 7)
#define USART_CR1_RE     (1u << 2)
#define USART_CR1_TE     (1u << 3)
#define USART_CR1_IDLEIE (1u << 4)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_CR1_TXEIE  (1u << 7)
#define USART_CR1_UE     (1u << 13)
#define USART_CR3_EIE    (1u << 0)
#define USART_CR3_DMAR   (1u << 6)

/* DMA controller, 13.4. Channels count from 1. */
struct dma_channel {
    reg32 ccr, cndtr, cpar, cmar, reserved;
};
struct dma {
    reg32 isr, ifcr;
    struct dma_channel channel[7];
};
#define DMA1                  ((struct dma *)0x40020000)
#define DMA_CHANNEL_USART1_RX 5 /* 13.3.7, table 78 */
#define DMA1_CHANNEL5_IRQ     15
#define DMA_FLAGS_SHIFT(n)    (4u * ((n) - 1u)) /* of channel n in ISR and IFCR */
#define DMA_TCIF              (1u << 1)
#define DMA_HTIF              (1u << 2)
#define DMA_TEIF              (1u << 3)
#define DMA_CCR_EN            (1u << 0)
#define DMA_CCR_TCIE          (1u << 1)
#define DMA_CCR_HTIE          (1u << 2)
#define DMA_CCR_TEIE          (1u << 3)
#define DMA_CCR_CIRC          (1u << 5)
#define DMA_CCR_MINC          (1u << 7)
#define DMA_CCR_PL_VERY_HIGH  (3u << 12)

/* Independent watchdog, 19.4 */
struct iwdg {
    reg32 kr, pr, rlr, sr;
};
#define IWDG           ((struct iwdg *)0x40003000)
#define IWDG_KR_UNLOCK 0x5555u
#define IWDG_KR_FEED   0xaaaau
#define IWDG_KR_START  0xccccu
#define IWDG_PR_DIV16  2u

/* Debug support, 31.16.3. Writes have an effect only while a debugger is connected (errata sheet
 * CD00190234). */
#define DBGMCU_CR           (*(reg32 *)0xe0042004)
#define DBGMCU_CR_IWDG_STOP (1u << 8)

/* SysTick, DDI 0403 B3.3 */
struct systick {
    reg32 csr, rvr, cvr;
};
#define SYSTICK                   ((struct systick *)0xe000e010)
#define SYSTICK_CSR_ENABLE        (1u << 0)
#define SYSTICK_CSR_TICKINT       (1u << 1)
#define SYSTICK_CSR_CLKSOURCE_CPU (1u << 2)

/* Interrupt controller, DDI 0403 B3.4 */
#define NVIC_ISER ((reg32 *)0xe000e100)
#define NVIC_ISPR ((reg32 *)0xe000e200)

/* System control block, DDI 0403 B3.2 */
struct scb {
    reg32 cpuid, icsr, vtor, aircr, scr, ccr, shpr[3], shcsr, cfsr, hfsr, dfsr, mmfar, bfar;
};
#define SCB                   ((struct scb *)0xe000ed00)
#define SCB_AIRCR_SYSRESETREQ (0x05fa0000u | 1u << 2)
#define SCB_CCR_DIV_0_TRP     (1u << 4)
#define SCB_CCR_STKALIGN      (1u << 9)
#define SCB_SHCSR_ENABLE_FAULTS                                                                              \
    (7u << 16) /* usage, bus and memory-management faults get their own handlers */
#define SCB_CFSR_MMARVALID (1u << 7)
#define SCB_CFSR_BFARVALID (1u << 15)

/* Data watchpoint and trace: the cycle counter, DDI 0403 C1.8; DEMCR, C1.6.5 */
#define DEMCR              (*(reg32 *)0xe000edfc)
#define DEMCR_TRCENA       (1u << 24)
#define DWT_CTRL           (*(reg32 *)0xe0001000)
#define DWT_CTRL_CYCCNTENA (1u << 0)
#define DWT_CYCCNT         (*(reg32 *)0xe0001004)
