"""The help of each command, as the program prints it today.

`python -m tests.support.transcripts` writes it anew after a help text has changed.
"""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

import aliocr
from aliocr.cli.program import program

HELP = Path(aliocr.__file__).parent / "cli" / "HELP.md"

WIDTH = 90
"""Columns of the terminal that is shown."""


def transcripts() -> str:
    """Return the help of the program and of each command, as a Markdown text."""
    commands = ["", *sorted(program.commands)]
    return "\n".join(
        [
            "# The help of each command\n",
            *(_transcript(f"aliocr {name}".strip()) for name in commands),
        ]
    )


def _transcript(command: str) -> str:
    result = CliRunner().invoke(
        program, [*command.split()[1:], "--help"], prog_name="aliocr", terminal_width=WIDTH
    )
    return f"## `{command}`\n\n```console\n$ {command} --help\n{result.output}```\n"


if __name__ == "__main__":
    HELP.write_text(transcripts(), encoding="utf-8")
