"""A browser for tests, and somebody who looks at pages in it."""

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


class Viewer:
    """Somebody with a browser.

    Args:
        driver: Of the browser.
    """

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
        """Until a script returns something true."""
        WebDriverWait(self._driver, PATIENCE, 0.02).until(lambda _: self.run(script, *arguments))

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

    def command(self, name: str, arguments: dict[str, Any]) -> Any:
        """Have the browser do what only its developer tools can."""
        return self._driver.execute_cdp_cmd(name, arguments)
