"""The help transcripts of the manuals, as the program prints them today.

`python -m tests.support.transcripts` writes them anew after a help text has changed.
"""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

import aliocr
from aliocr.cli.program import program

MANUAL = Path(aliocr.__file__).parent / "cli" / "README.md"

WIDTH = 90
"""Columns of the terminal that is shown."""

_TRANSCRIPT = re.compile(r"^(```console\n\$ aliocr (.*?)\n).*?^```", re.DOTALL | re.MULTILINE)


def with_transcripts(manual: str) -> str:
    """Return a manual with each `$ aliocr …` followed by what the program prints."""
    return _TRANSCRIPT.sub(lambda found: f"{found[1]}{_printed(found[2])}```", manual)


def _printed(arguments: str) -> str:
    result = CliRunner().invoke(
        program, arguments.split(), prog_name="aliocr", terminal_width=WIDTH
    )
    return result.output


if __name__ == "__main__":
    MANUAL.write_text(with_transcripts(MANUAL.read_text(encoding="utf-8")), encoding="utf-8")
