/* What the vector table points to. */
#pragma once

_Noreturn void reset_handler(void);
void fault_entry(void);
void systick_handler(void);
void dma1_channel5_handler(void);
void usart1_handler(void);
