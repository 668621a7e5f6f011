/* The baud rate, and the fall-back of LINK.md, "Another baud rate": at a raised rate the board waits for a whole frame
 * after each change and each error. If none comes in time, it returns to the default rate. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* After a reset: the default rate. */
void baud_start(void);

/* Changes the rate once everything queued has been sent. */
void baud_change(uint32_t rate);

/* A whole frame came: the host sends at this rate. */
void baud_confirm(void);

/* An error came: the host may send at another rate. */
void baud_doubt(void);

/* Returns to the default rate, and reports it, if the host did not confirm a raised rate in time. */
bool baud_fall_back(void);
