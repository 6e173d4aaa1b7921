"""The program `aliocr`: a group of commands."""

from __future__ import annotations

from collections import UserDict
from pkgutil import resolve_name
from typing import Any

import click

from aliocr.cli.console import plain
from aliocr.version import __version__


class Commands(UserDict[str, Any]):
    """The commands by name. A command is imported when it is taken: all of them take a second."""

    def __getitem__(self, name: str) -> click.Command:
        """Import a command."""
        command: click.Command = resolve_name(self.data[name])
        return command


COMMANDS = Commands(
    draw="aliocr.cli.draw:draw",
    emulate="aliocr.cli.emulate.command:emulate",
    explain="aliocr.cli.explain:explain",
    export="aliocr.cli.export:export",
    report="aliocr.cli.report:report",
    run="aliocr.cli.run.command:run",
    scan="aliocr.cli.scan:scan",
    search="aliocr.cli.search:search_output",
)


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
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="aliocr")
def program() -> None:
    """Read the text in pictures, with Alibaba Cloud's image OCR or on this machine."""
