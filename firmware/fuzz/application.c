#include "application.h"

/* Its main loop and its variables are its own; here they are ours. */
#include "app.c"

void application_boot(void)
{
    receiver = (struct link_receiver){0};
    last_reception = 0;
    baud.rate = LINK_BAUD;
    baud.followed = true;
    board_init();
    boot();
}

void application_poll(void)
{
    poll();
}
