#include "text.h"

#include <stdbool.h>

#include "crc32.h"

static uint32_t line_checksum; /* of all characters since message_begin() */

static void put(char character)
{
    const uint8_t byte = (uint8_t)character;
    line_checksum = crc32_update(line_checksum, &byte, 1);
    text_output(byte);
}

void text_put(const char *text)
{
    while (*text != '\0') {
        put(*text++);
    }
}

void text_unsigned(uint32_t value)
{
    char digits[10]; /* the last digit first */
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        put(digits[--count]);
    }
}

static void text_signed(int32_t value)
{
    if (value < 0) {
        put('-');
    }
    text_unsigned(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void text_hundredths(int64_t hundredths)
{
    if (hundredths < 0) {
        put('-');
    }
    const uint32_t size = (uint32_t)(hundredths < 0 ? -hundredths : hundredths);
    text_unsigned(size / 100);
    put('.');
    put((char)('0' + size / 10 % 10));
    put((char)('0' + size % 10));
}

static void text_hex(uint32_t value, int digits)
{
    while (digits > 0) {
        digits--;
        put("0123456789abcdef"[value >> 4 * digits & 15]);
    }
}

void text_end_line(void)
{
    text_put("\r\n");
}

void text_line(const char *text)
{
    text_put(text);
    text_end_line();
}

void message_begin(const char *name)
{
    line_checksum = 0;
    put('@');
    text_put(name);
}

static void message_key(const char *key)
{
    put(' ');
    text_put(key);
    put('=');
}

void message_text(const char *key, const char *value)
{
    message_key(key);
    text_put(value);
}

void message_unsigned(const char *key, uint32_t value)
{
    message_key(key);
    text_unsigned(value);
}

void message_hex(const char *key, uint32_t value)
{
    message_key(key);
    text_hex(value, 8);
}

/* What comes before an entry of a list. */
static void list_key(const char *key, int entry)
{
    if (entry > 0) {
        put(',');
    } else {
        message_key(key);
    }
}

void message_signed_list(const char *key, const int32_t *values, int count)
{
    for (int k = 0; k < count; k++) {
        list_key(key, k);
        text_signed(values[k]);
    }
}

void message_names(const char *key, const char *const *names, int count)
{
    for (int k = 0; k < count; k++) {
        list_key(key, k);
        for (const char *at = names[k]; *at != '\0'; at++) {
            if (*at == ',' || *at == '=' || *at == '%') {
                put('%');
                text_hex((uint8_t)*at, 2);
            } else {
                put(*at);
            }
        }
    }
}

void message_end(void)
{
    const uint32_t checksum = line_checksum;
    text_put(" #");
    text_hex(checksum, 8);
    text_end_line();
}
