/* Defines NETWORK_ASSEMBLY where the fast kernels use inline assembly: on a core with Thumb-2, when the compiler
 * optimises. Without optimisation GCC cannot meet the assembly's constraints. NETWORK_PORTABLE chooses C. */
#pragma once

#if defined(__thumb2__) && defined(__OPTIMIZE__) && !defined(NETWORK_PORTABLE)
#define NETWORK_ASSEMBLY
#endif
