/* The board as a process: the same application, with a TCP connection on loopback as its UART. */
#define _POSIX_C_SOURCE 200809L

#include "board.h"
#include "app.h"
#include "text.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TRANSMIT_BUFFER_BYTES 1024

static int client = -1;
static struct receive_buffer received;
static uint8_t transmit_buffer[TRANSMIT_BUFFER_BYTES];
static size_t transmit_bytes;
static struct timespec start;

static void die(const char *what)
{
    fprintf(stderr, "firmware: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Listens on 127.0.0.1, prints the port, and waits for the one client. */
static void accept_client(unsigned long port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0
        || getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        die("cannot listen on 127.0.0.1");
    }
    printf("Listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);

    client = accept(listener, NULL, NULL);
    if (client < 0) {
        die("cannot accept a client");
    }
    close(listener);
}

/* The client has gone, and the board ends. */
static _Noreturn void hang_up(void)
{
    exit(0);
}

static void flush(void)
{
    for (size_t sent = 0; sent < transmit_bytes;) {
        const ssize_t count = send(client, transmit_buffer + sent, transmit_bytes - sent, MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR) {
            hang_up();
        }
        sent += count > 0 ? (size_t)count : 0;
    }
    transmit_bytes = 0;
}

/* Waits at most `timeout` ms for bytes, and takes no more than the buffer has room for: TCP holds the rest back. */
static void fill(int timeout)
{
    struct pollfd readable = {.fd = client, .events = POLLIN};
    if (poll(&readable, 1, timeout) <= 0) {
        return;
    }
    uint8_t bytes[RECEIVE_BUFFER_CAPACITY];
    const ssize_t count = recv(client, bytes, sizeof bytes - (received.head - received.tail), 0);
    if (count == 0 || (count < 0 && errno != EINTR)) {
        hang_up();
    }
    for (ssize_t k = 0; k < count; k++) {
        receive_buffer_put(&received, bytes[k]);
    }
}

void board_init(void)
{
    clock_gettime(CLOCK_MONOTONIC, &start);
}

struct board_clock board_clock(void)
{
    return (struct board_clock){.hz = 72000000, .source = BOARD_CLOCK_CRYSTAL};
}

const char *board_reset_reason(void)
{
    return "power";
}

bool board_firmware_intact(void)
{
    return true;
}

uint32_t board_stack_used(void)
{
    return 0;
}

uint32_t board_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000);
}

bool board_counts_cycles(void)
{
    return false;
}

uint32_t board_cycles(void)
{
    return 0;
}

void board_idle(void)
{
    flush();
    fill(1);
}

void board_watchdog_feed(void) {}

enum receive_event board_receive(uint8_t *byte, struct receive_faults *faults)
{
    return receive_buffer_get(&received, byte, faults);
}

void text_output(uint8_t byte)
{
    transmit_buffer[transmit_bytes++] = byte;
    if (transmit_bytes == sizeof transmit_buffer) {
        flush();
    }
}

/* A TCP connection has no baud rate: the board accepts any. */
bool board_can_make_baud(uint32_t baud)
{
    (void)baud;
    return true;
}

void board_set_baud(uint32_t baud)
{
    (void)baud;
}

void board_led(bool on)
{
    (void)on;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    const unsigned long port = argc == 3 && strcmp(argv[1], "--port") == 0 ? strtoul(argv[2], &end, 10) : 0;
    if (end == NULL || *end != '\0' || port > 65535) {
        fprintf(stderr,
                "usage: firmware --port N    serves one client on 127.0.0.1:N; 0 takes any free port\n");
        return 2;
    }
    accept_client(port);
    app_run();
}
