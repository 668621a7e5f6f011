"""The page's server: who may talk to the board, and what bad messages do."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fake_board import FakeBoard
from fake_page import FakeInspector, FakeSupply
from PIL import Image
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from host.page.server import Page, application

ORIGIN = "http://127.0.0.1:8103"
HEADERS = {"origin": ORIGIN, "host": "127.0.0.1:8103"}


@pytest.fixture
def client(fake_port: FakeBoard, supply: FakeSupply, inspector: FakeInspector) -> Iterator[TestClient]:
    with TestClient(application(Page(supply, inspector), [ORIGIN]), base_url=ORIGIN) as client:
        yield client


def next_event(socket: WebSocketTestSession, kind: str) -> dict[str, Any]:
    """The next event of a kind; others before it are dropped."""
    for _ in range(200):
        event: dict[str, Any] = json.loads(socket.receive_text())
        if event["type"] == kind:
            return event
    raise AssertionError(f"no {kind} among 200 events")


def png(brightness: int = 255) -> bytes:
    """A dark bar on paper of a brightness."""
    picture = Image.new("L", (100, 100), brightness)
    picture.paste(0, (45, 20, 55, 80))
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def send_picture(socket: WebSocketTestSession, content: bytes, identity: int = 1) -> None:
    head = json.dumps({"type": "picture", "id": identity, "centred": True}).encode()
    socket.send_bytes(head + b"\n" + content)


def test_the_page_is_complete_and_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http" not in page.text.replace("http-equiv", "")
    for module in ("main", "answer", "drawing", "inside", "socket", "wire"):
        assert client.get(f"/static/{module}.js").status_code == 200


def test_another_host_name_is_refused(client: TestClient) -> None:
    assert client.get("/", headers={"host": "attacker.example"}).status_code == 400


@pytest.mark.parametrize("origin", ["http://attacker.example", "http://127.0.0.1:1", "null", ""])
def test_a_page_from_elsewhere_cannot_talk_to_the_board(client: TestClient, origin: str) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("/board", headers={**HEADERS, "origin": origin}),
    ):
        pass

    assert refused.value.code == 1008


def test_a_picture_is_answered(client: TestClient) -> None:
    with client.websocket_connect("/board", headers=HEADERS) as socket:
        next_event(socket, "ready")
        send_picture(socket, png())

        answer = next_event(socket, "answer")
        assert answer["id"] == 1
        assert len(answer["logits"]) == 10


@pytest.mark.parametrize("content", [b"", b"no picture", png()[:60]], ids=["empty", "text", "cut off"])
def test_a_bad_picture_is_one_sentence(client: TestClient, content: bytes) -> None:
    with client.websocket_connect("/board", headers=HEADERS) as socket:
        next_event(socket, "ready")
        send_picture(socket, content)

        failed = next_event(socket, "failed")
        assert failed["id"] == 1
        assert failed["sentence"].endswith(".")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[]",
        b'{"type": 1}',
        b'{"type": "picture"}',
        b'{"type": "experiment", "name": "x"}',
        b"\xff\n",
    ],
)
def test_a_malformed_message_is_ignored(client: TestClient, message: bytes) -> None:
    with client.websocket_connect("/board", headers=HEADERS) as socket:
        next_event(socket, "ready")
        socket.send_bytes(message)
        send_picture(socket, png())

        assert next_event(socket, "answer")["id"] == 1


def test_a_second_tab_waits_and_can_take_the_board_over(client: TestClient) -> None:
    with client.websocket_connect("/board", headers=HEADERS) as first:
        next_event(first, "ready")
        with client.websocket_connect("/board", headers=HEADERS) as second:
            assert not next_event(second, "busy")["taken"]
            second.send_text('{"type": "take-over"}')
            assert next_event(first, "busy")["taken"]
            next_event(second, "ready")
            send_picture(second, png(), identity=7)
            assert next_event(second, "answer")["id"] == 7


def test_a_second_tab_gets_the_board_when_the_first_is_closed(client: TestClient) -> None:
    with client.websocket_connect("/board", headers=HEADERS) as first:
        next_event(first, "ready")
        second = client.websocket_connect("/board", headers=HEADERS)
        second.__enter__()
        next_event(second, "busy")
    next_event(second, "ready")
    second.__exit__(None, None, None)


def test_layers_are_withheld_unless_the_reference_agrees_with_the_chip(
    client: TestClient, inspector: FakeInspector
) -> None:
    with client.websocket_connect("/board", headers=HEADERS) as socket:
        next_event(socket, "ready")
        send_picture(socket, png())
        logits = next_event(socket, "answer")["logits"]
        request = json.dumps({"type": "layers", "logits": logits})

        inspector.logits = (*logits[:-1], logits[-1] + 1)
        socket.send_text(request)
        withheld = next_event(socket, "layers")
        inspector.logits = tuple(logits)
        socket.send_text(request)
        shown = next_event(socket, "layers")

    assert withheld["problem"]
    assert not withheld["layers"]
    assert not shown["problem"]
    assert len(shown["layers"]) == 1


def test_the_gallery_reports_progress_and_its_images_can_be_sent(client: TestClient) -> None:
    with client.websocket_connect("/board", headers=HEADERS) as socket:
        next_event(socket, "ready")
        socket.send_text('{"type": "gallery"}')
        assert next_event(socket, "gallery")["progress"] == 0.5
        assert next_event(socket, "gallery")["images"][0]["index"] == 1
        socket.send_text('{"type": "test-image", "id": 4, "index": 1}')

        assert next_event(socket, "answer")["id"] == 4
