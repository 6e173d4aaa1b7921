"""The program `aliocr`: a group of commands."""

from __future__ import annotations

import shutil
from collections import UserDict
from collections.abc import Iterable
from pkgutil import resolve_name
from typing import Any

import click

from aliocr.cli.console import plain
from aliocr.version import __version__

MOST_COLUMNS = 100
"""Maximum width of a help text, in columns."""

LEAST_WIDTH = 38
"""Least width of a line, in columns; longer options and commands are common."""

LONGEST = 200
"""Maximum size of the sentence about a command, in characters."""


class HelpText(click.HelpFormatter):
    """A help text that fits a terminal of 40 columns; click's own needs 52."""

    def __init__(self, width: int | None = None, **_: object) -> None:
        columns = min(shutil.get_terminal_size().columns, MOST_COLUMNS)
        super().__init__(width=width or max(LEAST_WIDTH, columns - 2))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write names and texts in two columns, of which the second is the wider one."""
        super().write_dl(rows, min(col_max, self.width * 2 // 5), col_spacing)


class HelpContext(click.Context):
    """A context whose help is a `HelpText`."""

    formatter_class = HelpText


class Commands(UserDict[str, Any]):
    """The commands by name. A command is imported when it is taken: all of them take a second."""

    def __getitem__(self, name: str) -> click.Command:
        """Import a command."""
        command: click.Command = resolve_name(self.data[name])
        command.context_class = HelpContext
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

    context_class = HelpContext

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the first sentence of each command as a whole; click cuts it at the line's end."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, each.get_short_help_str(LONGEST)) for name, each in found if each]
            )

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
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="aliocr")
def program() -> None:
    """Read the text in pictures, with Alibaba Cloud's image OCR or on this machine.

    \b
    For example, without an account:
      aliocr scan --local receipt.png
      aliocr run --local pics -o out.jsonl
      aliocr report out.jsonl
    """  # noqa: D301 - the \b keeps click from filling lines
