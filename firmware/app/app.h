/* The application: boots, answers the requests of LINK.md, and blinks while it runs. */
#pragma once

/* Starts the board, runs the self-test and sends the boot lines. */
void app_start(void);

/* Runs the main loop once. */
void app_poll(void);

_Noreturn void app_run(void);
