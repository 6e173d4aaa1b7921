"""The program and its commands."""

from __future__ import annotations

from typing import Any

import click

from aliocr.cli.draw import draw
from aliocr.cli.emulate.command import emulate
from aliocr.cli.export import export
from aliocr.cli.output import plain
from aliocr.cli.report import report
from aliocr.cli.run.command import run
from aliocr.cli.scan import scan
from aliocr.cli.search import search_output
from aliocr.version import __version__


class Program(click.Group):
    """Commands of which no error steers the terminal.

    Errors repeat what the service says and how files are called, wherever they come from.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it ends with is as it was, but for control characters."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            # Another one in its place would lose what kinds of it show besides: usage, suggestions.
            # That a message is final is said to checkers only.
            vars(error)["message"] = "\n".join(map(plain, error.message.split("\n")))
            raise


@click.group(
    cls=Program,
    commands=[draw, emulate, export, report, run, scan, search_output],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="aliocr")
def program() -> None:
    """Read the text in pictures with Alibaba Cloud's image OCR, or with none of it."""
