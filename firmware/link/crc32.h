/* CRC-32 as in zlib and IEEE 802.3: polynomial 0x04C11DB7, reflected, initial and final inversion. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The CRC of `size` more bytes, given the CRC of all bytes before them (0 for none). */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size);
