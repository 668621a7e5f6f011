/* Defines NETWORK_ASSEMBLY where the fast kernels use inline assembly: on a core with Thumb-2, when the compiler
 * optimises. Without optimisation GCC cannot meet the assembly's constraints. NETWORK_PORTABLE chooses C. */
#pragma once

#if defined(__thumb2__) && defined(__OPTIMIZE__) && !defined(NETWORK_PORTABLE)
#define NETWORK_ASSEMBLY
#endif

/* Hints for GCC, which change nothing else:
 *   IN_REGISTER(value)  keep a value in a register, and forget how it was computed: it is computed once
 *   KEEP_ORDER()        move no load or store over this point, so that fewer registers are needed at a time */
#ifdef NETWORK_ASSEMBLY
#define IN_REGISTER(value) __asm__("" : "+r"(value))
#define KEEP_ORDER()       __asm__ volatile("" ::: "memory")
#else
#define IN_REGISTER(value) (void)0
#define KEEP_ORDER()       (void)0
#endif
