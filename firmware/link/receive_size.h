/* The size of the receive buffer, which follows from the network's images and classes.
 *
 * The host sends one request at a time (LINK.md), so no more than one frame waits for the main loop. The longest times
 * in which the main loop takes no byte are two:
 *   - 3.2 ms of computation while the image arrives: 640 characters at the fastest rate;
 *   - the end of an answer, during which the host may already send its next request. Both directions have the same
 *     rate, so no more characters arrive than the board sends. */
#pragma once

#include "link.h"

#define RECEIVE_WHILE_COMPUTING 640
/* The lines behind @result: the longest class name has 16 characters, the longest logit 12. */
#define RECEIVE_WHILE_SENDING (66 + 38 * NETWORK_CLASSES)

#define RECEIVE_LONGER(a, b)  ((a) > (b) ? (a) : (b))
#define RECEIVE_SHORTER(a, b) ((a) < (b) ? (a) : (b))
#define RECEIVE_NEEDED                                                                                       \
    RECEIVE_SHORTER(LINK_MAX_FRAME, RECEIVE_LONGER(RECEIVE_WHILE_COMPUTING, RECEIVE_WHILE_SENDING))

/* Places that stay unused: DMA may store a byte between the check for overwritten bytes and the read. */
#define RECEIVE_BUFFER_MARGIN 4

#define RECEIVE_FITS(size) (RECEIVE_NEEDED + RECEIVE_BUFFER_MARGIN <= (size))

/* Counters wrap at a power of two. */
#define RECEIVE_BUFFER_BYTES                                                                                 \
    (RECEIVE_FITS(64)     ? 64                                                                               \
     : RECEIVE_FITS(128)  ? 128                                                                              \
     : RECEIVE_FITS(256)  ? 256                                                                              \
     : RECEIVE_FITS(512)  ? 512                                                                              \
     : RECEIVE_FITS(1024) ? 1024                                                                             \
     : RECEIVE_FITS(2048) ? 2048                                                                             \
                          : 4096)
#define RECEIVE_BUFFER_CAPACITY (RECEIVE_BUFFER_BYTES - RECEIVE_BUFFER_MARGIN)
