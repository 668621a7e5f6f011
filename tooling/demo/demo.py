"""Start a board and the page, and stay until Ctrl-C."""

from __future__ import annotations

import socket
import webbrowser
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from common.errors import UserError
from compiler.model_file import load
from host.page.server import MAX_MESSAGE, Page, application
from tooling.demo.inspector import ModelInspector
from tooling.demo.supplies import Port, Simulated
from tooling.inference.boards import best_simulator, built
from tooling.inference.models import of_file

LOOPBACK = "127.0.0.1"
_END_LIMIT = 2  # seconds for open connections to close


@dataclass(frozen=True)
class Address:
    """Where the page is served. TCP port 0 is any free one."""

    host: str
    tcp_port: int


def run(model: Path, address: Address, *, port: str, on: str, browser: bool) -> None:
    """Serve the page with a board behind it until Ctrl-C.

    port: the serial port of a real board; without it a simulator is started: `on`, or the best one that is
    here. Raises UserError if the TCP port cannot be used or the board cannot be built.
    """
    with _listening(address) as listener:
        supply = Port(port) if port else _simulated(on or best_simulator(model), model)
        page = Page(supply, ModelInspector(load(model), of_file(model).test_images()))
        url = f"http://{address.host}:{listener.getsockname()[1]}"
        print(f"The page is {url}, with {supply.name} behind it. Ctrl-C ends both.", flush=True)
        if browser:
            webbrowser.open(url)
        config = uvicorn.Config(
            application(page, [url, url.replace(LOOPBACK, "localhost")]),
            log_level="warning",
            ws_max_size=MAX_MESSAGE,
            timeout_graceful_shutdown=_END_LIMIT,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _simulated(simulator: str, model: Path) -> Simulated:
    return Simulated(simulator, built(simulator, model))


def _listening(address: Address) -> socket.socket:
    """A socket that listens. Raises UserError if the address cannot be used."""
    try:
        return socket.create_server((address.host, address.tcp_port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"The page cannot use TCP port {address.tcp_port} of {address.host} ({reason}): "
            "choose another with --tcp-port."
        ) from None
