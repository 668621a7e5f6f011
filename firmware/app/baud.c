#include "baud.h"

#include "board.h"
#include "link.h"
#include "text.h"

static uint32_t rate;
static bool unconfirmed;
static uint32_t unconfirmed_since; /* in board_milliseconds() */

static bool is_raised(void)
{
    return rate != LINK_BAUD;
}

void baud_start(void)
{
    rate = LINK_BAUD;
    unconfirmed = false;
}

void baud_change(uint32_t new_rate)
{
    board_set_baud(new_rate);
    rate = new_rate;
    unconfirmed = is_raised();
    unconfirmed_since = board_milliseconds();
}

void baud_confirm(void)
{
    unconfirmed = false;
}

/* The first error starts the wait. Others do not prolong it: a host at another rate causes them without end. */
void baud_doubt(void)
{
    if (is_raised() && !unconfirmed) {
        unconfirmed = true;
        unconfirmed_since = board_milliseconds();
    }
}

static bool follow_timed_out(void)
{
    return unconfirmed && board_milliseconds() - unconfirmed_since >= LINK_FOLLOW_MS;
}

bool baud_fall_back(void)
{
    if (!follow_timed_out()) {
        return false;
    }
    baud_change(LINK_BAUD);
    text_end_line(); /* ends what the host received at another rate */
    message_begin("baud");
    message_unsigned("baud", LINK_BAUD);
    message_end();
    return true;
}
