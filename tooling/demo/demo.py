"""Start a board and the page, and stay until Ctrl-C."""

from __future__ import annotations

import socket
import webbrowser

import uvicorn

from common.errors import UserError
from compiler.network import Model
from data.examples import Examples
from host.page.interfaces import Supply
from host.page.server import MAX_MESSAGE, Page, application
from tooling.demo.inspector import ModelInspector

LOOPBACK = "127.0.0.1"
TCP_PORT = 8103
_END_LIMIT = 2  # seconds for open connections to close


def run(supply: Supply, model: Model, test: Examples, *, host: str, tcp_port: int, browser: bool) -> None:
    """Serve the page until Ctrl-C. Raises UserError if the TCP port cannot be used."""
    page = Page(supply, ModelInspector(model, test))
    with _listening(host, tcp_port) as listener:
        address = f"http://{host}:{listener.getsockname()[1]}"
        print(f"The page is {address}, with {supply.name} behind it. Ctrl-C ends both.", flush=True)
        if browser:
            webbrowser.open(address)
        config = uvicorn.Config(
            application(page, [address, *_other_names(address)]),
            log_level="warning",
            ws_max_size=MAX_MESSAGE,
            timeout_graceful_shutdown=_END_LIMIT,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UserError if the address cannot be used."""
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"The page cannot use TCP port {port} of {host} ({reason}): choose another with --tcp-port."
        ) from None


def _other_names(address: str) -> list[str]:
    """Other addresses of the same page."""
    return [address.replace(LOOPBACK, "localhost")] if LOOPBACK in address else []
