"""The page in a real browser, with a simulated board behind it: what a visitor sees and does.

The screenshots of the documents are taken with UPDATE_SCREENSHOTS=1 DEMO_ON=renode.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import LIMIT, NO_ANSWER, SIZES, THEMES, Browser, start_chromium
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from strokes import strokes_of
from terminals import Terminal, typed

from common.paths import BUILD, DOCS, ROOT
from data.mnist import load_test_set
from tooling import processes
from tooling.setup import tools

pytestmark = pytest.mark.skipif(
    bool(tools.missing([tools.CHROMIUM, tools.CHROMEDRIVER, tools.NATIVE_COMPILER])),
    reason="needs chromium, chromedriver and a C compiler",
)

DIGITS = load_test_set()
# The first test image of each digit.
FIRST = [int(np.flatnonzero(DIGITS.labels == digit)[0]) for digit in range(10)]
BOARD = os.environ.get("DEMO_ON", "native")
SHOTS = DOCS if os.environ.get("UPDATE_SCREENSHOTS") else BUILD / "screenshots"


def strokes(digit: int) -> list[list[tuple[float, float]]]:
    return strokes_of(DIGITS.images[FIRST[digit]].squeeze())


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Terminal, str]]:
    command = ["invoke", "demo", "--on", BOARD, "--no-browser", "--tcp-port", "0"]
    with typed(command, ROOT, {**processes.environment(), "PYTHONPATH": str(ROOT)}) as terminal:
        address = terminal.wait_for(r"The page is (http://127\.0\.0\.1:\d+)", timeout=180).group(1)
        yield terminal, address
        terminal.type("\x03")
        terminal.wait_for_end()


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(demo: tuple[Terminal, str], downloads: Path) -> Iterator[Browser]:
    driver = start_chromium(downloads)
    try:
        yield Browser(driver, demo[1])
    finally:
        driver.quit()


@pytest.fixture
def page(browser: Browser) -> Iterator[Browser]:
    """An empty sheet; afterwards the console holds no error."""
    browser.wait_until_ready()
    browser.resize("desktop")
    browser.clear()
    yield browser
    assert browser.console_errors() == []


@pytest.mark.parametrize("digit", range(10))
def test_a_drawn_digit_is_read(page: Browser, digit: int) -> None:
    page.draw(strokes(digit))

    assert page.answer() == str(digit)
    assert f"the answer is {digit}" in str(page["image"].get_attribute("aria-label"))


@pytest.mark.parametrize(
    ("scale", "left", "top"), [(0.3, 0, 0), (0.3, 0.7, 0), (0.3, 0, 0.7), (0.3, 0.7, 0.7), (0.6, 0.2, 0.3)]
)
def test_size_and_place_do_not_matter(page: Browser, scale: float, left: float, top: float) -> None:
    for digit in (2, 4, 7):
        page.clear()
        page.draw(strokes(digit), scale, left, top)
        assert page.answer() == str(digit)


def test_without_centring_a_small_digit_in_a_corner_arrives_in_the_corner(page: Browser) -> None:
    page["centred"].click()
    try:
        page.draw(strokes(7), 0.4)
        page.answer()
        ink = page.driver.execute_script(
            "const c = document.getElementById('image');"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "let last = 0; for (let i = 0; i < d.length; i += 4) if (d[i] > 100) last = i / 4;"
            "return [Math.floor(last / c.width), c.height];"
        )
    finally:
        page["centred"].click()
    assert ink[0] < ink[1] / 2


def test_an_empty_sheet_is_never_sent(page: Browser) -> None:
    page.draw(strokes(1))
    page.answer()
    for _ in strokes(1):
        page["undo"].click()
    page["undo"].click()

    assert page.text("label") == NO_ANSWER
    assert not page.is_waiting()
    assert page["hint"].is_displayed()


def test_undo_takes_the_last_stroke_back_also_by_keys(page: Browser) -> None:
    page.draw([[(0.5, 0.2), (0.5, 0.8)]])
    assert page.answer() == "1"
    page.draw([[(0.2, 0.5), (0.8, 0.5)]])
    page.answer()
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()

    page.wait(lambda: page.text("label") == "1" and not page.is_waiting(), "answer to one stroke")


def test_a_digit_is_drawn_with_the_keyboard_alone(page: Browser) -> None:
    canvas = page["canvas"]
    page.driver.execute_script("arguments[0].focus()", canvas)
    keys = [Keys.ARROW_UP] * 14 + [" "] + [Keys.ARROW_DOWN] * 28 + [" "]
    ActionChains(page.driver).send_keys(*keys).perform()

    assert page.answer() == "1"


def test_a_picture_file_is_read(page: Browser, tmp_path: Path) -> None:
    picture = tmp_path / "four.png"
    Image.fromarray(255 - DIGITS.images[FIRST[4]].squeeze()).resize((280, 280)).save(picture)
    page["file"].send_keys(str(picture))

    assert page.answer() == "4"


def test_a_file_that_is_no_picture_is_one_sentence(page: Browser, tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    page["file"].send_keys(str(text))

    page.wait(lambda: page.text("problem"), "sentence")
    assert page.text("problem").endswith(".")


@pytest.mark.parametrize(
    ("experiment", "expected"), [("flip-bit", "error"), ("lose-byte", "error"), ("repeat-frame", "no error")]
)
def test_a_damaged_wire_ends_with_the_right_answer(page: Browser, experiment: str, expected: str) -> None:
    page.draw(strokes(3))
    assert page.answer() == "3"
    page.open("break")
    count = len(page.rows())
    page.driver.find_element(By.CSS_SELECTOR, f"[data-experiment={experiment}]").click()

    page.wait(lambda: len(page.rows()) > count, "end of the experiment")
    altered, promised, happened, _ = page.rows()[0]
    assert altered.endswith(".")
    assert promised == happened
    assert promised.startswith(expected)
    assert page.answer() == "3"


def test_the_plug_is_pulled_and_the_page_recovers(page: Browser) -> None:
    page.draw(strokes(5))
    assert page.answer() == "5"
    page.open("break")
    page["unplug"].click()

    page.wait(lambda: "plug" in page.text("notice-text"), "notice", limit=1.0)
    assert not page.driver.find_element(By.CSS_SELECTOR, "[data-experiment]").is_enabled()
    assert not page["file"].is_enabled()
    page["unplug"].click()
    page.wait_until_ready()
    assert page.answer() == "5"
    assert "found again" in page.rows()[0][2]


def test_a_second_tab_says_that_the_board_is_in_use_and_can_take_it(
    page: Browser, demo: tuple[Terminal, str]
) -> None:
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    try:
        page.driver.get(demo[1])
        page.wait(lambda: "Another tab" in page.text("notice-text"), "notice")
        page["take-over"].click()
        page.wait_until_ready()
        page.draw(strokes(0))
        assert page.answer() == "0"
        page.driver.switch_to.window(first)
        page.wait(lambda: "taken the board over" in page.text("notice-text"), "other notice")
    finally:
        for handle in set(page.driver.window_handles) - {first}:
            page.driver.switch_to.window(handle)
            page.driver.close()
        page.driver.switch_to.window(first)
    page["take-over"].click()
    page.wait_until_ready()


def test_layers_and_gallery(page: Browser) -> None:
    page.draw(strokes(6))
    page.answer()
    page.open("layers")
    page.wait(lambda: page.driver.find_elements(By.CSS_SELECTOR, "#layer-list canvas"), "layers")
    page.open("gallery")
    page.wait(lambda: "read wrong" in page.text("gallery-text"), "gallery", limit=120)
    page.driver.find_element(By.CSS_SELECTOR, "#gallery-list button").click()
    said = re.search(
        r"read as (\S+)", str(page.driver.find_element(By.CSS_SELECTOR, "#gallery-list button").text)
    )

    assert said
    assert page.answer() == said.group(1)


def test_the_wire_can_be_paused_and_exported(page: Browser, downloads: Path) -> None:
    page.open("wire")
    page.draw(strokes(8))
    page.answer()
    page.wait(lambda: "@result" in page.text("transfers"), "result's line")
    page["pause"].click()
    before = page.text("transfers")
    page.draw(strokes(1))
    page.answer()
    assert page.text("transfers") == before
    page["pause"].click()
    page.wait(lambda: page.text("transfers") != before, "new lines")
    page["export"].click()
    exported = page.wait(lambda: list(downloads.glob("wire*.jsonl")), "file")
    entries = [json.loads(line) for line in exported[0].read_text().splitlines()]
    assert {"to board", "to host"} == {entry["direction"] for entry in entries}
    assert any(entry["kind"] == "classify" for entry in entries)


def test_a_hundred_fast_strokes_lose_no_answer(page: Browser) -> None:
    page.driver.execute_script(
        """
        const canvas = document.getElementById("canvas"), area = canvas.getBoundingClientRect();
        const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type,
            {pointerId: 1, button: 0, clientX: area.left + x, clientY: area.top + y, bubbles: true}));
        for (let i = 0; i < 100; i++) {
            send("pointerdown", 100 + i, 60);
            send("pointermove", 100 + i, 250);
            send("pointerup", 100 + i, 250);
        }
        """
    )
    page.answer()
    ended = page.text("latency")

    assert page.text("problem") == ""
    assert "within" in ended


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(page: Browser, size: str) -> None:
    page.resize(size)
    for fold in ("break", "wire", "layers", "gallery"):
        page.open(fold)
    page.draw(strokes(2))
    page.answer()

    width, window = page.driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert width <= window


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    script = BUILD / "axe" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        if tools.NPM.path() is None:
            pytest.skip("needs npm, for axe-core")
        options = ["--prefix", str(BUILD / "axe"), "--no-save", "--ignore-scripts"]
        if processes.run(["npm", "install", *options, "axe-core@4"], timeout=120, capture=True).status:
            pytest.skip("npm could not install axe-core")
    return script.read_text()


def problems(page: Browser, axe: str) -> list[str]:
    """What axe-core finds or cannot decide. It cannot judge what a scroll area cuts off, so none does."""
    page.driver.execute_script(axe)
    page.driver.execute_script(
        "for (const area of document.querySelectorAll('.scroll')) area.style.maxHeight = 'none';"
    )
    result = page.driver.execute_async_script("axe.run(document).then(arguments[0])")
    return [
        f"{kind}: {rule['id']}: {node['target']}: {node.get('failureSummary', '')}"
        for kind in ("violations", "incomplete")
        for rule in result[kind]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_in_any_state(page: Browser, axe: str, theme: str, size: str) -> None:
    page.use_theme(theme)
    page.resize(size)
    states = {"empty": problems(page, axe)}
    page.draw(strokes(9))
    assert page.answer() == "9"
    page.driver.execute_script("window.scrollTo(0, 0)")
    if size != "narrow":
        page.screenshot(SHOTS / f"page-{theme}{'' if size == 'desktop' else '-' + size}.png")
    states["answered"] = problems(page, axe)
    for fold in ("break", "wire", "layers", "gallery"):
        page.open(fold)
    page.wait(lambda: page.driver.find_elements(By.CSS_SELECTOR, "#gallery-list button"), "gallery", 120)
    states["unfolded"] = problems(page, axe)
    page["unplug"].click()
    page.wait(lambda: "plug" in page.text("notice-text"), "notice")
    states["unplugged"] = problems(page, axe)
    page["unplug"].click()
    page.wait_until_ready(LIMIT)

    assert {state: found for state, found in states.items() if found} == {}
