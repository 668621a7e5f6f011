/* The lines that the application sends: at boot, and as answers to requests (LINK.md). */
#pragma once

#include <stdint.h>

#include "link.h"

struct selftest {
    enum selftest_result { SELFTEST_PASSED, SELFTEST_FLASH, SELFTEST_NETWORK } result;
    uint32_t milliseconds; /* that the network took */
};

/* The lines before the self-test and those after it. */
void report_start(void);
void report_boot(struct selftest selftest);

void report_info(const struct link_frame *frame, struct selftest selftest);

/* The lines before the network runs and those after it.
 *   cycles: of the network, all of them and those after the frame was verified */
void report_image(void);
void report_result(const struct link_frame *frame, const int32_t logits[NETWORK_CLASSES], uint32_t cycles,
                   uint32_t finish_cycles);

void report_baud(const struct link_frame *frame, uint32_t rate);

void report_failure(const struct link_failure *failure, struct selftest selftest);
