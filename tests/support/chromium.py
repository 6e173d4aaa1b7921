"""A browser for tests, and a viewer of its pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

PATIENCE = 60.0
"""Seconds for a picture to be read, on a machine with other things to do."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`);
});
"""

COLUMNS = tuple(
    (x, 20 + 30 * row, 300, 10 if row == 9 else 22 - row % 4)
    for x in (40, 470)
    for row in range(10)
)
"""Places of close lines, of much the same height but for the last, in a picture of 900 × 500."""

LEAST_NUMBER = 7.0
"""Pixels of the screen that a number's circle is wide, at least; see `pages.js`."""

NUMBERS = """
const edges = (one) => {
  const { left, top, right, bottom } = one.getBoundingClientRect();
  return [left, top, right, bottom];
};
return ["circle", "rect"].map((name) => [...document.querySelectorAll(`.box ${name}`)].map(edges));
"""


@contextmanager
def browser(profile: Path) -> Iterator[Chrome]:
    """A browser without a window, with its own profile and without requests of its own."""
    options = ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # With both paths given, selenium looks for nothing and downloads nothing.
    with Chrome(options=options, service=ChromeService(str(DRIVER))) as found:
        found.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        yield found


class Viewer:
    """A person with a browser."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def visit(self, url: str, *, width: int = 1200, dark: bool = False) -> None:
        """Go to a page, in a window so wide, by day or by night."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            # Else things are still on their way when they are pointed at.
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.command("Emulation.setEmulatedMedia", {"features": features})
        self._driver.get(url)

    def wait_until(self, script: str, *arguments: Any) -> None:
        """Wait until a script returns something true."""
        WebDriverWait(self._driver, PATIENCE, 0.02).until(lambda _: self.run(script, *arguments))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self._driver.execute_script(script, *arguments)

    def find(self, selector: str) -> list[WebElement]:
        """The elements a selector finds."""
        return self._driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """Return the texts of the elements a selector finds."""
        return [str(self.run("return arguments[0].textContent", e)) for e in self.find(selector)]

    def point_at(self, element: WebElement) -> None:
        """Move the mouse there."""
        ActionChains(self._driver).move_to_element(element).perform()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        ActionChains(self._driver).send_keys(*keys).perform()

    def complaints(self) -> list[str]:
        """Return the complaints of the browser since the last call."""
        logged = [entry["message"] for entry in self._driver.get_log("browser")]  # type: ignore[no-untyped-call]
        return logged + list(self.run("return window.violations ?? []"))

    def command(self, name: str, arguments: dict[str, Any]) -> Any:
        """Run a command of the developer tools."""
        return self._driver.execute_cdp_cmd(name, arguments)


def check_numbers(person: Viewer) -> None:
    """Numbers of `COLUMNS` hide nothing, have one size for like lines, and grow when lit."""
    numbers, boxes = person.run(NUMBERS)
    assert len(numbers) == len(COLUMNS)
    for at, number in enumerate(numbers):
        assert not any(_overlap(number, other) for other in (*boxes, *numbers[at + 1 :]))
    *like, small = (right - left for left, _, right, _ in numbers[:10])
    assert like == pytest.approx([like[0]] * 9)
    assert like[0] > LEAST_NUMBER - 0.1
    assert small == pytest.approx(LEAST_NUMBER, abs=0.1)
    person.run("document.querySelector('.box').classList.add('hot')")
    (lit, *_), _ = person.run(NUMBERS)
    assert lit[2] - lit[0] > like[0] + 1
    assert lit[2] == pytest.approx(boxes[0][0], abs=0.2)


def _overlap(one: list[float], other: list[float]) -> bool:
    """Return True if two rectangles overlap by more than a fraction of a pixel."""
    return all(
        min(one[side + 2], other[side + 2]) - max(one[side], other[side]) > 0.2 for side in (0, 1)
    )
