"""What stands in the sample pictures, and how much of it has to be found."""

import json
import unicodedata
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "samples"
TRUTH: dict[str, dict[str, Any]] = json.loads((SAMPLES / "ground_truth.json").read_text("utf-8"))

LINES = 90
"""In all frames of all samples: a test that looks at fewer has overlooked some."""

ENOUGH = 0.95 * LINES
"""Lines that are found word for word, at least."""


def squeezed(text: str) -> str:
    """The text without what engines and people write differently: blanks, full-width forms."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def lines_of(name: str) -> list[str]:
    """The lines of a sample in reading order, squeezed."""
    return [squeezed(line["text"]) for line in TRUTH[name]["lines"]]
