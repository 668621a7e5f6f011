"""The page's server: static files and one WebSocket. Only the page itself may talk to the board."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

import pictures
from common.errors import UserError
from host.page.damage import EXPERIMENTS
from host.page.events import Busy, Event, Failed, Gallery, Layers, Transfer
from host.page.interfaces import Inspector, Supply
from host.page.worker import BoardWorker, Picture
from pictures.preparation import Preparation

MAX_MESSAGE = 16 * 1024 * 1024  # bytes; a photo of 12 megapixels has about 5
_MESSAGES_PER_SECOND = 40  # of one visitor; more wait in the connection
_MOST_QUEUED = 1000  # events that a slow page has not taken; the oldest transfers are dropped first
_STATIC = Path(__file__).parent / "static"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Page:
    """One board and the visitor who uses it. A further visitor waits, or takes the board over."""

    def __init__(self, supply: Supply, inspector: Inspector) -> None:
        self._inspector = inspector
        self._loop: asyncio.AbstractEventLoop | None = None
        self._visitor: _Visitor | None = None
        self._released = asyncio.Event()
        self._gallery: Gallery | None = None
        self._gallery_task: asyncio.Task[None] | None = None
        self._worker = BoardWorker(supply, inspector, self._from_board)

    def start(self) -> None:
        """Start the board. Called in the server's event loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.run_in_executor(None, _prepare_once)
        self._worker.start()

    def end(self) -> None:
        """End the board."""
        self._worker.end()

    async def serve(self, socket: WebSocket) -> None:
        """Talk to one page until it is closed."""
        await socket.accept()
        visitor = _Visitor(socket)
        sending = asyncio.create_task(visitor.send_events())
        try:
            if self._visitor:
                visitor.tell(Busy("Another tab or visitor is using this board.", taken=False))
                await self._wait_for_turn(visitor)
            self._take(visitor)
            await self._listen(visitor)
        except WebSocketDisconnect:
            pass
        finally:
            if self._visitor is visitor:
                self._visitor = None
                self._released.set()
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

    def _from_board(self, event: Event) -> None:
        """Called in the board's thread."""
        assert self._loop
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._tell, event)

    def _tell(self, event: Event) -> None:
        if self._visitor:
            self._visitor.tell(event)

    async def _wait_for_turn(self, visitor: _Visitor) -> None:
        """Wait until the board is free or the visitor takes it over."""
        while self._visitor:
            self._released.clear()
            message = asyncio.create_task(visitor.receive())
            released = asyncio.create_task(self._released.wait())
            await asyncio.wait({message, released}, return_when=asyncio.FIRST_COMPLETED)
            released.cancel()
            if not message.done():
                message.cancel()
                with suppress(asyncio.CancelledError):
                    await message
            elif message.result()[0].get("type") == "take-over":
                return

    def _take(self, visitor: _Visitor) -> None:
        if self._visitor:
            self._visitor.tell(Busy("Another tab has taken the board over.", taken=True))
        self._visitor = visitor
        visitor.tell(self._worker.state)

    async def _listen(self, visitor: _Visitor) -> None:
        while True:
            message, content = await visitor.receive()
            if self._visitor is not visitor:
                if message.get("type") == "take-over":
                    self._take(visitor)
                continue
            await self._obey(visitor, message, content)

    async def _obey(self, visitor: _Visitor, message: dict[str, Any], content: bytes) -> None:
        match message:
            case {"type": "picture", "id": int(identity), "centred": bool(centred)}:
                await self._classify(visitor, identity, content, centred)
            case {"type": "test-image", "id": int(identity), "index": int(index)}:
                await self._classify_test_image(visitor, identity, index)
            case {"type": "experiment", "name": str(name)} if name in EXPERIMENTS:
                self._worker.experiment(name)
            case {"type": "unplug"}:
                self._worker.unplug()
            case {"type": "plug-in"}:
                self._worker.plug_in()
            case {"type": "layers", "logits": list(logits)}:
                visitor.tell(await run_in_threadpool(self._layers, logits))
            case {"type": "gallery"}:
                self._show_gallery()

    async def _classify(self, visitor: _Visitor, identity: int, content: bytes, centred: bool) -> None:
        shape = self._worker.shape
        if shape is None:
            visitor.tell(Failed(identity, "The board has not answered yet: wait until it is ready."))
            return
        own = self._inspector.preparation
        preparation = own if centred or own.method != "mnist" else Preparation("stretch", own.polarity)
        try:
            pixels = await run_in_threadpool(
                lambda: pictures.prepare(pictures.decode(content), preparation, shape)
            )
        except UserError as problem:
            visitor.tell(Failed(identity, str(problem)))
            return
        self._worker.submit(Picture(identity, pixels))

    async def _classify_test_image(self, visitor: _Visitor, identity: int, index: int) -> None:
        shape = self._worker.shape
        try:
            content = await run_in_threadpool(self._inspector.test_image, index)
        except UserError as problem:
            visitor.tell(Failed(identity, str(problem)))
            return
        if shape is None or len(content) != shape[0] * shape[1] * shape[2]:
            visitor.tell(Failed(identity, "The test images have another size than those of this board."))
            return
        self._worker.submit(Picture(identity, np.frombuffer(content, np.uint8).reshape(shape)))

    def _layers(self, logits: Sequence[int]) -> Layers:
        """The layers' values for the last picture, if the reference's logits are the chip's."""
        picture = self._worker.last
        if picture is None:
            return Layers("Draw something first.")
        computed, layers = self._inspector.layers(picture.pixels)
        if list(computed) != list(logits):
            return Layers(
                "The reference's logits are not those of the chip, so its layers would not be the chip's: "
                "the board runs another model."
            )
        return Layers("", layers)

    def _show_gallery(self) -> None:
        if self._gallery:
            self._tell(self._gallery)
        elif self._gallery_task is None:
            self._gallery_task = asyncio.create_task(self._make_gallery())

    async def _make_gallery(self) -> None:
        loop = asyncio.get_running_loop()

        def progress(share: float) -> None:
            loop.call_soon_threadsafe(self._tell, Gallery(share))

        self._gallery = Gallery(1.0, await run_in_threadpool(self._inspector.wrong_images, progress))
        self._tell(self._gallery)


def _prepare_once() -> None:
    """Prepare a bar on paper: the first picture imports scikit-image, which takes half a second."""
    sheet = np.full((56, 56), 255, np.uint8)
    sheet[10:46, 26:31] = 0
    pictures.prepare(sheet, Preparation(), (1, 28, 28))


class _Visitor:
    """One open page: the events it has not taken yet, and the messages it sends."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._events: list[Event] = []
        self._waiting = asyncio.Event()
        self._slots = _slots()

    def tell(self, event: Event) -> None:
        self._events.append(event)
        if len(self._events) > _MOST_QUEUED:
            oldest = next((e for e in self._events if isinstance(e, Transfer)), self._events[0])
            self._events.remove(oldest)
        self._waiting.set()

    async def send_events(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):  # the page was closed
            while True:
                await self._waiting.wait()
                self._waiting.clear()
                events, self._events = self._events, []
                for event in events:
                    await self._socket.send_text(event.as_json())

    async def receive(self) -> tuple[dict[str, Any], bytes]:
        """The next message: a JSON object, and the bytes behind its line. Raises WebSocketDisconnect."""
        while True:
            await asyncio.sleep(next(self._slots))
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(received.get("code", 1000))
            content = received.get("bytes") or (received.get("text") or "").encode()
            head, _, body = content.partition(b"\n")
            try:
                message = json.loads(head)
            except ValueError:
                continue
            if isinstance(message, dict):
                return message, body


def _slots() -> Iterator[float]:
    """Seconds to wait before each message, so that no more than _MESSAGES_PER_SECOND are read."""
    loop = asyncio.get_running_loop()
    free_at = loop.time()
    while True:
        now = loop.time()
        # A visitor who was idle may send a second's worth at once.
        free_at = max(free_at + 1 / _MESSAGES_PER_SECOND, now - 1)
        yield max(0.0, free_at - now)


class _Headers:
    """Adds the headers that keep the page apart from others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await self._app(scope, receive, with_headers)


def application(page: Page, origins: Sequence[str]) -> Starlette:
    """The web application. origins: the addresses under which the page may be used, as http://HOST:PORT."""
    hosts = [urlsplit(origin).hostname or "" for origin in origins]

    async def board(socket: WebSocket) -> None:
        if socket.headers.get("origin") not in origins:
            await socket.close(1008)
            return
        await page.serve(socket)

    async def index(_: Request) -> Response:
        return FileResponse(_STATIC / "index.html")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        page.start()
        yield
        await run_in_threadpool(page.end)

    return Starlette(
        routes=[
            Route("/", index),
            Mount("/static", StaticFiles(directory=_STATIC)),
            WebSocketRoute("/board", board),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts), Middleware(_Headers)],
        lifespan=lifespan,
    )
