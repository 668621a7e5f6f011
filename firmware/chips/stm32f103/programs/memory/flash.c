/* Erases and programs the last page of flash. */
#include "program.h"

#define FLASH ((reg32 *)0x40022000)
enum { ACR, KEYR, OPTKEYR, SR, CR, AR };
#define PAGE 0x0800fc00

void run(void)
{
    volatile uint16_t *page = (volatile uint16_t *)PAGE;
    RCC->cr |= RCC_CR_HSION;
    FLASH[KEYR] = 0x45670123;
    FLASH[KEYR] = 0xcdef89ab;
    check(!(FLASH[CR] & 1u << 7), "the keys do not unlock the controller");
    FLASH[CR] = 1u << 1;
    FLASH[AR] = PAGE;
    FLASH[CR] |= 1u << 6;
    check(wait_for(&FLASH[SR], 1, 0, 100), "the erasure does not end");
    check(page[0] == 0xffff && page[511] == 0xffff, "the page is not erased");
    FLASH[CR] = 1;
    page[0] = 0x1234;
    check(wait_for(&FLASH[SR], 1, 0, 10), "programming does not end");
    check(page[0] == 0x1234, "the half-word is not there");
    page[0] = 0x4321;
    check(wait_for(&FLASH[SR], 1, 0, 10) && FLASH[SR] & 1u << 2, "no error when it is programmed again");
    FLASH[SR] = 1u << 2;
    FLASH[CR] = 1u << 7;
    check(FLASH[CR] & 1u << 7, "the controller is not locked");
}
