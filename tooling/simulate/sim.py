"""`sim`: a simulated board that stays, for picocom, `infer` or a program of the user's own."""

import fcntl
import os
import selectors
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from common.errors import UserError
from common.paths import BUILD, shown
from tooling.simulate import simulators
from tooling.simulate.simulators import LINK, Simulation
from tooling.suites.suites import NATIVE, QEMU, RENODE, SIMULATORS

_RECORD = BUILD / "sim-port.txt"
_POLL = 0.2
_STUCK = 2.0  # a client that takes no bytes for so long is dropped


def run(on: str, firmware: Path, *, tcp: bool = False, tcp_port: int = 0) -> None:
    """Boot the firmware, say how to talk to it, and stay until Ctrl-C, which is raised on.

    USART1 is a pseudo-terminal at build/usart1, or a TCP port on 127.0.0.1 with `tcp`, for the native build
    and where there are no pseudo-terminals. Raises UserError when it cannot be started or ends by itself.
    """
    if url := running():
        raise UserError(f"A simulated board is running already, at {url}: end that one with Ctrl-C first.")
    with ExitStack() as stack:
        record = stack.enter_context(_only_one())
        if on == NATIVE:
            _serve_native(firmware, tcp_port, record)
            return
        if tcp or tcp_port or not simulators.has_terminals():
            simulation = stack.enter_context(_start_tcp(on, firmware, tcp_port))
        else:
            start = simulators.start_renode if on == RENODE else simulators.start_qemu_terminal
            simulation = stack.enter_context(start(firmware))
            stack.enter_context(_linked(simulation.url))
        url = str(LINK) if simulation.url.startswith("/") else simulation.url
        record(url)
        _announce(on, url)
        _wait_while_running(simulation)
        raise UserError(f"{on} ended by itself: see {shown(simulation.log_path)}.")


def check(on: str, tcp_port: int) -> None:
    """Raises UserError if there is no such simulator or TCP port."""
    if on not in SIMULATORS:
        raise UserError(f"There is no simulator '{on}': choose {', '.join(SIMULATORS)}.")
    simulators.check_port(tcp_port)


def running() -> str:
    """The port of the `sim` that is running in this clone, '' when none is or it is still starting."""
    try:
        with _RECORD.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _RECORD.read_text()
    except OSError:
        pass
    return ""


def is_at(port: str) -> bool:
    """Whether the `sim` that is running in this clone is at that port."""
    return running() in {port, os.path.abspath(port)}


def _announce(on: str, url: str) -> None:
    if not url.startswith("socket://"):
        url = shown(Path(url))
    print(f"The board is running on {on}; its USART1 is {url}. Type, in another terminal:")
    print(f"    ./inv infer --port {url} 7")
    if url.startswith("socket://"):
        host, port = url.removeprefix("socket://").split(":")
        print(f"    nc {host} {port}")
    else:
        print(f"    picocom -b 115200 {url}")
    print("Ctrl-C ends it.", flush=True)


def _wait_while_running(simulation: Simulation) -> None:
    while simulation.is_running:
        time.sleep(_POLL)


def _serve_native(firmware: Path, port: int, record: Callable[[str], None]) -> None:
    """A native board serves one client and ends: each client finds a board that has just been switched on."""
    port = port or simulators.free_port()
    url = f"socket://127.0.0.1:{port}"
    is_announced = False
    while True:
        with simulators.start_native(firmware, port) as simulation:
            if not is_announced:
                record(url)
                _announce(NATIVE, url)
            is_announced = True
            _wait_while_running(simulation)
            if simulation.process.returncode != 0:
                raise UserError(f"The native firmware ended by itself: see {shown(simulation.log_path)}.")


@contextmanager
def _start_tcp(on: str, firmware: Path, port: int) -> Iterator[Simulation]:
    """A simulation whose USART1 is a TCP port of the loopback interface."""
    if on == QEMU:
        with simulators.start_qemu(firmware, port) as simulation:
            yield simulation
    elif simulators.has_terminals():
        with simulators.start_renode(firmware) as simulation, _forwarded(simulation.url, port) as url:
            yield Simulation(simulation.name, url, simulation.log_path, simulation.process)
    else:
        print(
            "Without pseudo-terminals Renode's TCP port can be reached from the whole network, "
            "not from this computer only."
        )
        with simulators.start_renode(firmware, port or simulators.free_port()) as simulation:
            yield simulation


@contextmanager
def _forwarded(terminal: str, port: int) -> Iterator[str]:
    """A TCP server on 127.0.0.1 in front of a pseudo-terminal, for one client at a time.

    Renode's own server would listen on every interface.
    """
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
        thread = threading.Thread(target=_forward, args=(server, descriptor, is_over), daemon=True)
        thread.start()
        try:
            yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        finally:
            is_over.set()
            thread.join()
            os.close(descriptor)


def _forward(server: socket.socket, terminal: int, is_over: threading.Event) -> None:
    """Carry bytes between client and terminal until `is_over`; what the board says to nobody is dropped."""
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
                except OSError:  # the simulator is gone
                    return
    if client:
        client.close()


@contextmanager
def _linked(terminal: str) -> Iterator[None]:
    """build/usart1, the same name in every run, for as long as the board is there."""
    BUILD.mkdir(exist_ok=True)
    LINK.unlink(missing_ok=True)
    LINK.symlink_to(os.path.realpath(terminal))
    try:
        yield
    finally:
        LINK.unlink(missing_ok=True)


@contextmanager
def _only_one() -> Iterator[Callable[[str], None]]:
    """The right to be this clone's `sim`, as a lock that ends with this process, however that ends.

    Yields what writes down where the board is, for `infer`. Raises UserError where another one has it.
    """
    _RECORD.parent.mkdir(exist_ok=True)
    with _RECORD.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                "A simulated board has just been started elsewhere: end that one with Ctrl-C first."
            ) from None
        file.truncate(0)

        def record(url: str) -> None:
            file.write(url)
            file.flush()

        try:
            yield record
        finally:
            _RECORD.unlink(missing_ok=True)
