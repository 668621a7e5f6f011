/* The sending side of the link: lines of text for people, and messages with a checksum for programs. */
#pragma once

#include <stdint.h>

/* Sends one byte. Each board implements it. */
void text_output(uint8_t byte);

/* Lines for people. */
void text_put(const char *text);
void text_unsigned(uint32_t value);
void text_hundredths(int64_t hundredths); /* 916 is printed as 9.16 */
void text_end_line(void);
void text_line(const char *text);

/* Messages for programs: "@name key=value ... #checksum" (LINK.md). */
void message_begin(const char *name);
void message_text(const char *key, const char *value);
void message_unsigned(const char *key, uint32_t value);
void message_hex(const char *key, uint32_t value);                        /* 8 digits */
void message_signed_list(const char *key, const int32_t *values, int count); /* comma-separated */
void message_names(const char *key, const char *const *names, int count);    /* as well, and escaped */
void message_end(void);
