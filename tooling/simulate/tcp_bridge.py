"""A TCP port of the loopback interface in front of a pseudo-terminal.

Renode's own TCP server listens on every interface.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from common.errors import UserError

_POLL = 0.2  # seconds
_STUCK = 2.0  # seconds without taking bytes after which a client is disconnected


@contextmanager
def bridged(terminal: str, port: int) -> Iterator[str]:
    """A TCP server on 127.0.0.1 for one client at a time; yields its URL. `port` 0 takes any free one."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise UserError(f"TCP port {port} cannot be used: choose another with --tcp-port.") from None
        server.listen(1)
        descriptor = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(descriptor)
        is_over = threading.Event()
        thread = threading.Thread(target=_carry, args=(server, descriptor, is_over), daemon=True)
        thread.start()
        try:
            yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        finally:
            is_over.set()
            thread.join()
            os.close(descriptor)


def _carry(server: socket.socket, terminal: int, is_over: threading.Event) -> None:
    """Carry bytes between client and terminal until `is_over`; without a client, the board's are dropped."""
    client: socket.socket | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(terminal, selectors.EVENT_READ)
        while not is_over.is_set():
            for key, _ in selector.select(_POLL):
                try:
                    if key.fileobj is server:
                        newcomer = server.accept()[0]
                        if client is None:
                            client = newcomer
                            client.settimeout(_STUCK)
                            selector.register(client, selectors.EVENT_READ)
                        else:
                            newcomer.close()
                    elif key.fileobj is client:
                        data = client.recv(4096)
                        if not data:
                            raise ConnectionError
                        os.write(terminal, data)
                    else:
                        data = os.read(terminal, 4096)
                        if client:
                            client.sendall(data)
                except (ConnectionError, TimeoutError):
                    if client:
                        selector.unregister(client)
                        client.close()
                    client = None
                except OSError:  # the simulator has ended
                    return
    if client:
        client.close()
