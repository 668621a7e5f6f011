/* The application: boots, answers the requests of LINK.md, and shows that it is alive. */
#pragma once

/* Runs the board for ever. */
_Noreturn void app_run(void);
