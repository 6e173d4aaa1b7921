"""`aliocr search`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from aliocr.cli.job_output import rows_of
from aliocr.cli.misuse import Misuse
from aliocr.cli.output import plain, shown, writing
from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Result
from aliocr.text.search import Match, search

Found = Iterator[tuple[Result, list[Match[Result]]]]


@click.command("search", no_args_is_help=True)
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print each row that has them, as JSON.")
def search_output(output: Path, words: Sequence[str], *, as_json: bool) -> None:
    """Find words in the output of a job.

    OUTPUT is what `aliocr run` wrote. WORDS are one phrase: upper and lower case, full-width forms
    and the number of blanks do not matter, and it may run over the end of a line.

    Each line that has it is printed after the row, id and source of its picture.
    Exit code: 0 found, 1 not found, 2 misuse.
    """
    try:
        matches = search(rows_of(output), " ".join(words))
        found = ((rows[0].outcome, rows) for rows in _by_row(matches))
        any_found = (_print_json if as_json else _print_lines)(found)
    except BrokenPipeError:
        # Whoever reads has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        any_found = True
    except ValueError as error:  # of the words
        raise Misuse(str(error)) from None
    sys.exit(0 if any_found else 1)


def _by_row(matches: Iterator[Match[Result]]) -> Iterator[list[Match[Result]]]:
    """The matches of one row together; the list keeps the row, so no other has its id."""
    for _, group in groupby(matches, key=lambda match: id(match.outcome)):
        yield list(group)


def _print_json(found: Found) -> bool:
    any_found = False
    for row, _ in found:
        any_found = True
        with writing():
            sys.stdout.buffer.write(encode_json(row))  # the very bytes, whatever the terminal's
            sys.stdout.buffer.flush()
    return any_found


def _print_lines(found: Found) -> bool:
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    any_found = False
    for row, matches in found:
        any_found = True
        name = " ".join([str(row.row), *([row.id] if row.id else []), shown(row.source)])
        for text in _lines(matches):
            with writing():
                console.print(Text.assemble((f"{plain(name)}: ", "dim"), text))
    return any_found


def _lines(matches: list[Match[Result]]) -> Iterator[Text]:
    """Each line that has something of a match, once, with all of them marked."""
    marked: dict[int, Text] = {}
    for match in matches:
        for number, (line, start, end) in enumerate(match.spans, match.number):
            text = marked.setdefault(number, Text(plain(line.text)))
            text.stylize("bold red", start, end)
    yield from (text for _, text in sorted(marked.items()))
