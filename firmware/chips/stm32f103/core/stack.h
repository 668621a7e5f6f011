/* The stack is painted at start-up, so that its deepest use can be read later. */
#pragma once

#include <stdint.h>

/* Paints the free part of the stack. Called once, before the application. */
void stack_paint(void);

/* The most stack ever used, in bytes. */
uint32_t stack_used(void);
