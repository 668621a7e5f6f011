"""A headless Chromium on the page, and what a person does there."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from strokes import Stroke

from tooling.setup import tools

THEMES = ("light", "dark")
SIZES = {"phone": (390, 844), "narrow": (320, 640), "desktop": (1280, 800)}
LIMIT = 15.0  # seconds
NO_ANSWER = "\N{EN DASH}"  # on the page


def start_chromium(downloads: Path) -> webdriver.Chrome:
    """A browser whose window is of the desktop's size. Needs chromium and chromedriver."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(tools.CHROMIUM.path())
    # As root Chromium needs --no-sandbox; /dev/shm is small in containers.
    for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    service = webdriver.ChromeService(str(tools.CHROMEDRIVER.path()))
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_script_timeout(60)
    return driver


class Browser:
    """The page at an address."""

    def __init__(self, driver: webdriver.Chrome, address: str) -> None:
        self.driver = driver
        self.resize("desktop")
        driver.get(address)

    def __getitem__(self, identity: str) -> WebElement:
        return self.driver.find_element(By.ID, identity)

    def text(self, identity: str) -> str:
        """The text of an element, also if it is folded in."""
        content = self[identity].get_property("textContent")
        return str(content).strip()

    def wait(self, condition: Callable[[], Any], what: str, limit: float = LIMIT) -> Any:
        """Wait until a condition is true and return its value."""
        deadline = time.monotonic() + limit
        while not (value := condition()):
            assert time.monotonic() < deadline, f"no {what}; the page says {self.text('notice')!r}"
            time.sleep(0.02)
        return value

    def wait_until_ready(self, limit: float = LIMIT) -> None:
        self.wait(lambda: "baud" in self.text("board") and not self["notice"].is_displayed(), "board", limit)

    def resize(self, size: str) -> None:
        width, height = SIZES[size]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size != "desktop"}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def use_theme(self, theme: str) -> None:
        features = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def draw(self, strokes: Sequence[Stroke], scale: float = 1, left: float = 0, top: float = 0) -> None:
        """Draw strokes (points from 0 to 1) with the mouse, at a scale and a place on the sheet."""
        canvas = self["canvas"]
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
        width, height = canvas.rect["width"], canvas.rect["height"]
        for stroke in strokes:
            actions = ActionChains(self.driver, duration=0)
            for number, (x, y) in enumerate(stroke):
                across = (left + x * scale - 0.5) * (width - 4)
                down = (top + y * scale - 0.5) * (height - 4)
                actions.move_to_element_with_offset(canvas, across, down)
                if number == 0:
                    actions.click_and_hold()
            actions.release().perform()

    def clear(self) -> None:
        self["clear"].click()
        self.wait(lambda: self.text("label") == NO_ANSWER, "empty answer")

    def answer(self) -> str:
        """The class of the answer to what was drawn last."""
        self.wait(lambda: self.text("label") != NO_ANSWER and not self.is_waiting(), "answer")
        return self.text("label")

    def is_waiting(self) -> bool:
        return "stale" in (self["answer"].get_attribute("class") or "")

    def open(self, fold: str) -> None:
        self.driver.execute_script("document.getElementById(arguments[0]).open = true", fold)

    def rows(self) -> list[list[str]]:
        """The cells of the table of experiments, the newest row first."""
        rows = self["experiments"].find_elements(By.TAG_NAME, "tr")
        return [
            [str(cell.get_property("textContent")) for cell in row.find_elements(By.TAG_NAME, "td")]
            for row in rows
        ]

    def console_errors(self) -> list[str]:
        entries: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(entry["message"]) for entry in entries]

    def screenshot(self, path: Path) -> None:
        """The visible part of the page, as a PNG."""
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))
