"""Somebody who opens the landing page in Chromium, and what a browser needs to be one of a test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from aliocr.emulator import Emulator

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


@contextmanager
def browser(profile: Path) -> Iterator[Chrome]:
    """A browser without a window, that knows nothing but this profile and asks nobody anything."""
    options = ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # With both paths given, selenium looks for nothing and downloads nothing.
    with Chrome(options=options, service=ChromeService(str(DRIVER))) as found:
        found.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        yield found


class Person:
    """Somebody with a browser.

    Args:
        driver: Of the browser.
    """

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def open(self, emulator: Emulator, *, width: int = 1200, dark: bool = False) -> None:
        """Go to an emulator's page, in a window so wide, by day or by night."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._command("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            # Else things are still on their way when they are pointed at.
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self._command("Emulation.setEmulatedMedia", {"features": features})
        self._driver.get(emulator.url)
        self.wait_until("return document.getElementById('state').dataset.state === 'on'")

    def drop(self, *paths: Path) -> None:
        """Drag files onto the zone and let them go there."""
        x, y = self.run(
            "const zone = document.getElementById('zone');"
            "zone.scrollIntoView({ block: 'center', behavior: 'instant' });"
            "const at = zone.getBoundingClientRect();"
            "return [at.x + at.width / 2, at.y + at.height / 2];"
        )
        files = {"items": [], "files": list(map(str, paths)), "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self._command("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": files})

    def wait_for_result(self) -> None:
        """Until the picture has been read, or refused."""
        self.wait_until(
            "return document.getElementById('busy').hidden"
            " && document.getElementById('results').childElementCount > 0"
        )

    def read_all(self) -> None:
        """Ask for all frames, by the button for it."""
        self.run("document.querySelector('.frames .primary').click()")
        self.wait_for_result()

    def wait_until(self, script: str) -> None:
        """Until a script returns something true."""
        WebDriverWait(self._driver, PATIENCE, 0.02).until(lambda _: self.run(script))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self._driver.execute_script(script, *arguments)

    def find(self, selector: str) -> list[WebElement]:
        """The elements a selector finds."""
        return self._driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """What they say."""
        return [str(self.run("return arguments[0].textContent", e)) for e in self.find(selector)]

    def point_at(self, element: WebElement) -> None:
        """Move the mouse there."""
        ActionChains(self._driver).move_to_element(element).perform()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        ActionChains(self._driver).send_keys(*keys).perform()

    def complaints(self) -> list[str]:
        """What the browser has complained about since it was last asked."""
        logged = [entry["message"] for entry in self._driver.get_log("browser")]  # type: ignore[no-untyped-call]
        return logged + list(self.run("return window.violations ?? []"))

    def _command(self, name: str, arguments: dict[str, Any]) -> None:
        self._driver.execute_cdp_cmd(name, arguments)
