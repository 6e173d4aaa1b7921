"""The program `aliocr`: a group of commands."""

from __future__ import annotations

from typing import Any

import click

from aliocr.cli.console import plain
from aliocr.cli.draw import draw
from aliocr.cli.emulate.command import emulate
from aliocr.cli.export import export
from aliocr.cli.report import report
from aliocr.cli.run.command import run
from aliocr.cli.scan import scan
from aliocr.cli.search import search_output
from aliocr.version import __version__


class Program(click.Group):
    """A group of commands that removes control characters from error messages.

    An error message repeats texts of the service and file names, which may contain such characters.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error keeps its type and context, from which click shows the usage."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            # Click declares `message` as Final, so type checkers refuse a normal assignment.
            vars(error)["message"] = "\n".join(map(plain, error.message.split("\n")))
            raise


@click.group(
    cls=Program,
    commands=[draw, emulate, export, report, run, scan, search_output],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="aliocr")
def program() -> None:
    """Read the text in pictures, with Alibaba Cloud's image OCR or on this machine."""
