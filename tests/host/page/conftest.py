"""A page with a fake board behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fake_board import FakeBoard
from fake_page import Events, FakeInspector, FakeSupply

from host.page import worker as worker_module
from host.page.worker import BoardWorker


@pytest.fixture
def supply() -> FakeSupply:
    return FakeSupply()


@pytest.fixture
def inspector() -> FakeInspector:
    return FakeInspector()


@pytest.fixture
def fake_port(fake: FakeBoard, monkeypatch: pytest.MonkeyPatch) -> FakeBoard:
    monkeypatch.setattr(worker_module, "open_port", lambda _: fake)
    monkeypatch.setattr(worker_module, "_RETRY", 0.05)
    return fake


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def worker(
    fake_port: FakeBoard, supply: FakeSupply, inspector: FakeInspector, events: Events
) -> Iterator[BoardWorker]:
    worker = BoardWorker(supply, inspector, events.publish)
    worker.start()
    yield worker
    worker.end()
