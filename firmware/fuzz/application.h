/* The application in steps, since app_run() never returns. */
#pragma once

/* Starts it anew, with all its variables as after a reset. */
void application_boot(void);

/* Turns its main loop once. */
void application_poll(void);
