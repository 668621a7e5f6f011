"""`sim` and `infer` as a user types them, each in a pseudo-terminal."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clones import Clone
from terminals import Terminal, typed

from data.mnist import load_test_set
from host.board import Board
from tooling.setup import renode, tools

IMAGE, LABEL = 7, 9  # of the test set; every model recognises it

needs_compiler = pytest.mark.skipif(bool(tools.missing([tools.NATIVE_COMPILER])), reason="needs a C compiler")
needs_qemu = pytest.mark.skipif(
    bool(tools.missing([tools.QEMU, tools.COMPILER])), reason="needs QEMU and arm-none-eabi-gcc"
)
needs_renode = pytest.mark.skipif(
    renode.find_renode() is None or bool(tools.missing([tools.COMPILER])),
    reason="needs Renode and arm-none-eabi-gcc",
)


@contextmanager
def simulated(clone: Clone, *options: str) -> Iterator[tuple[Terminal, str]]:
    """A running `sim`, and the port that it prints."""
    with typed(clone.command("sim", *options), clone.root, clone.environment()) as terminal:
        port = terminal.wait_for(r"its USART1 is (\S+)\. Type", timeout=180).group(1)
        terminal.wait_for("Ctrl-C ends it")
        yield terminal, port


def infer(clone: Clone, *arguments: str, attempts: int = 1) -> str:
    """What `infer` prints in a terminal. Fails if it fails in each of `attempts`."""
    for _ in range(attempts):
        with typed(clone.command("infer", *arguments), clone.root, clone.environment()) as terminal:
            if terminal.wait_for_end() == 0:
                break
    else:
        pytest.fail(terminal.text)
    return terminal.text


def assert_recognised(text: str) -> None:
    assert re.search(rf"Test image {IMAGE}, a {LABEL}\b", text)
    assert re.search(rf"(?i)(predicted|recognised|class|digit).*\b{LABEL}\b", text), text


def end(terminal: Terminal) -> None:
    terminal.type("\x03")
    assert terminal.wait_for_end() == 130
    assert terminal.text.endswith("sim was interrupted; nothing is left running.\n")


@needs_compiler
def test_the_native_board_serves_one_client_after_the_other(clone: Clone) -> None:
    with simulated(clone, "--on", "native", "--model", "linear") as (terminal, port):
        assert "model: models/linear.npz" in terminal.text
        assert port.startswith("socket://127.0.0.1:")
        assert_recognised(infer(clone, str(IMAGE)))
        assert_recognised(infer(clone, "--image", str(IMAGE), "--port", port))

        second = clone.run(["sim", "--on", "native"])
        assert second.returncode == 1
        assert second.stderr == (
            f"A simulated board is running already, at {port}: end it with Ctrl-C first.\n"
        )
        assert clone.run(["clean"]).stderr.startswith(f"A simulated board is running, at {port}: ")
        end(terminal)


@needs_compiler
def test_infer_starts_a_board_for_one_call(clone: Clone) -> None:
    text = infer(clone, str(IMAGE), "--on", "native", "--model", "linear")
    assert "Starting linear on native." in text
    assert_recognised(text)
    many = clone.run(["infer", "0", "1", "missing.png", "--on", "native", "--json"])
    assert many.returncode == 1
    assert [json.loads(line)["file"] for line in many.stdout.splitlines()] == ["0", "1"]
    assert "missing.png: The file does not exist" in many.stderr


@needs_compiler
def test_a_killed_sim_leaves_no_lock(clone: Clone) -> None:
    for _ in range(2):
        with simulated(clone, "--on", "native") as (terminal, port):
            terminal._process.kill()
            terminal.wait_for_end()
            # The firmware outlives the killed `sim`; it ends with its first client.
            host, number = port.removeprefix("socket://").split(":")
            socket.create_connection((host, int(number)), timeout=5).close()


@needs_qemu
def test_qemu_is_a_pseudo_terminal_of_a_fixed_name(clone: Clone) -> None:
    with simulated(clone, "--on", "qemu") as (terminal, port):
        assert port == "build/usart1"
        assert (clone.root / port).is_symlink()
        assert_recognised(infer(clone, str(IMAGE)))
        end(terminal)
    assert not (clone.root / port).is_symlink()


@needs_qemu
def test_qemu_behind_a_tcp_port(clone: Clone) -> None:
    with simulated(clone, "--on", "qemu", "--tcp") as (terminal, port):
        assert_recognised(infer(clone, str(IMAGE), "--port", port))
        end(terminal)


@needs_renode
@pytest.mark.parametrize("options", [[], ["--tcp"]])
def test_renode(options: list[str], clone: Clone) -> None:
    """On a busy computer Renode is slower than the wire, so that a frame may break off."""
    with simulated(clone, *options) as (terminal, port):
        assert port.startswith("socket://") == bool(options)
        assert_recognised(infer(clone, str(IMAGE), "--port", port, attempts=3))
        assert_recognised(infer(clone, str(IMAGE), attempts=3))
        end(terminal)


@needs_compiler
def test_a_picture_from_a_file(clone: Clone, tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "my digit.png"
    Image.fromarray(255 - load_test_set().images[IMAGE, 0]).resize((280, 280)).save(picture)

    with simulated(clone, "--on", "native"):
        text = infer(clone, str(picture))
    assert "my digit.png" in text
    assert re.search(rf"\b{LABEL}\b", text)


@needs_compiler
def test_a_users_own_program_talks_to_the_board(clone: Clone) -> None:
    with simulated(clone, "--on", "native", "--tcp-port", "0") as (_, port), Board.open(port) as board:
        assert board.classify(load_test_set().images[IMAGE, 0]).label == LABEL


def test_a_missing_picture_is_one_sentence(clone: Clone) -> None:
    finished = clone.run(["infer", "missing.png", "--port", os.devnull])

    assert finished.returncode == 1
    assert finished.stderr == "missing.png: The file does not exist: check its name.\n"
