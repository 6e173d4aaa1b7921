"""The command `aliocr search`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click
from rich.text import Text

from aliocr.cli.console import discard, harmless_json, plain, plain_console, shown, writing
from aliocr.cli.exits import Misuse
from aliocr.cli.job_output import rows_of
from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Result
from aliocr.text.search import Match, search


@click.command("search", no_args_is_help=True)
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print the matching rows, as JSON lines.")
def search_output(output: Path, words: Sequence[str], *, as_json: bool) -> None:
    """Find words in the output of a job.

    OUTPUT is a file that `aliocr run` or `aliocr scan --json` wrote. WORDS are one phrase, which
    can cross the end of a line. Upper and lower case, full-width forms and the number of spaces
    make no difference.

    Each matching line is printed after the row, id and source of its picture.
    Exit code: 0 found, 1 not found, 2 misuse.
    """
    console = plain_console(soft_wrap=True)
    any_found = False
    try:
        matches = search(rows_of(output), " ".join(words))
        # All matches of a row hold the same row object, so the `id` of this object groups them.
        for _, group in groupby(matches, key=lambda match: id(match.outcome)):
            of_row = list(group)
            any_found = True
            with writing():
                if not as_json:
                    for line in _lines(of_row):
                        console.print(line)
                    continue
                # Write UTF-8 as bytes, because the terminal may have another encoding.
                record = encode_json(of_row[0].outcome).decode().removesuffix("\n")
                sys.stdout.buffer.write(f"{harmless_json(record)}\n".encode())
                sys.stdout.buffer.flush()
    except BrokenPipeError:
        discard(sys.stdout)  # the reader has closed the pipe
    except ValueError as error:  # in the phrase to find
        raise Misuse(str(error)) from None
    sys.exit(0 if any_found else 1)


def _lines(matches: Sequence[Match[Result]]) -> Iterator[Text]:
    """Yield each matching line of a row once, with all its matches marked."""
    row = matches[0].outcome
    name = " ".join([str(row.row), *([row.id] if row.id else []), shown(row.source)])
    marked: dict[int, Text] = {}
    for match in matches:
        for number, (line, start, end) in enumerate(match.spans, match.number):
            text = marked.setdefault(number, Text(plain(line.text)))
            text.stylize("bold red", start, end)
    for _, text in sorted(marked.items()):
        yield Text.assemble((f"{plain(name)}: ", "dim"), text)
