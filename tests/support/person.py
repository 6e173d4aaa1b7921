"""A visitor of the emulator's landing page in Chromium."""

from __future__ import annotations

from pathlib import Path

from aliocr.emulator import Emulator
from tests.support.chromium import Viewer


class Person(Viewer):
    """A visitor with a browser and pictures."""

    def open(self, emulator: Emulator, *, width: int = 1200, dark: bool = False) -> None:
        """Open an emulator's page in a window of this width, light or dark."""
        self.visit(emulator.url, width=width, dark=dark)
        self.wait_until("return document.getElementById('state').dataset.state === 'on'")

    def drop(self, *paths: Path) -> None:
        """Drag files onto the zone and drop them."""
        x, y = self.run(
            "const zone = document.getElementById('zone');"
            "zone.scrollIntoView({ block: 'center', behavior: 'instant' });"
            "const at = zone.getBoundingClientRect();"
            "return [at.x + at.width / 2, at.y + at.height / 2];"
        )
        files = {"items": [], "files": list(map(str, paths)), "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.command("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": files})

    def wait_for_result(self) -> None:
        """Wait until the picture has been read or refused."""
        self.wait_until(
            "return document.getElementById('busy').hidden"
            " && document.getElementById('results').childElementCount > 0"
        )

    def read_all(self) -> None:
        """Press the button for all frames."""
        self.run("document.querySelector('.frames .primary').click()")
        self.wait_for_result()
