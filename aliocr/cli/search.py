"""`aliocr search`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click
from rich.text import Text

from aliocr.cli.console import discard, plain, plain_console, shown, writing
from aliocr.cli.exits import Misuse
from aliocr.cli.job_output import rows_of
from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Result
from aliocr.text.search import Match, search

MatchesByRow = Iterator[tuple[Result, list[Match[Result]]]]


@click.command("search", no_args_is_help=True)
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print the matching rows, as JSON lines.")
def search_output(output: Path, words: Sequence[str], *, as_json: bool) -> None:
    """Find words in the output of a job.

    OUTPUT is a file that `aliocr run` wrote. WORDS are one phrase, which can cross the end of a
    line. Upper and lower case, full-width forms and the number of spaces make no difference.

    Each matching line is printed after the row, id and source of its picture.
    Exit code: 0 found, 1 not found, 2 misuse.
    """
    try:
        matches = search(rows_of(output), " ".join(words))
        # A match has the very object of its row, and holds it, so its identity is unique.
        groups = (list(group) for _, group in groupby(matches, key=lambda match: id(match.outcome)))
        found = ((group[0].outcome, group) for group in groups)
        any_found = (_print_json if as_json else _print_lines)(found)
    except BrokenPipeError:
        discard(sys.stdout)  # the reader wants no more
        any_found = True
    except ValueError as error:  # in the words
        raise Misuse(str(error)) from None
    sys.exit(0 if any_found else 1)


def _print_json(found: MatchesByRow) -> bool:
    any_found = False
    for row, _ in found:
        any_found = True
        with writing():
            sys.stdout.buffer.write(encode_json(row))  # UTF-8, whatever the terminal's encoding is
            sys.stdout.buffer.flush()
    return any_found


def _print_lines(found: MatchesByRow) -> bool:
    console = plain_console(soft_wrap=True)
    any_found = False
    for row, matches in found:
        any_found = True
        name = " ".join([str(row.row), *([row.id] if row.id else []), shown(row.source)])
        for text in _lines(matches):
            with writing():
                console.print(Text.assemble((f"{plain(name)}: ", "dim"), text))
    return any_found


def _lines(matches: list[Match[Result]]) -> Iterator[Text]:
    """Yield each line with a part of a match once, with all parts marked."""
    marked: dict[int, Text] = {}
    for match in matches:
        for number, (line, start, end) in enumerate(match.spans, match.number):
            text = marked.setdefault(number, Text(plain(line.text)))
            text.stylize("bold red", start, end)
    yield from (text for _, text in sorted(marked.items()))
