"""Build the tables of results, and print them (with rich or as plain text) or return Markdown."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import zip_longest
from typing import TypeAlias

import attrs

from benchmarks.figures import Row, with_range
from benchmarks.peers import PEERS
from benchmarks.quotas import Scenario

QUESTION_WIDTH = 44
"""Maximum width of the column of questions, in characters."""

MEASURE_WIDTH = 18
"""Maximum width of a line of a heading, in characters."""

FILE_WIDTH = 132
"""Width of a rich table that is not printed on a terminal, in characters."""

Cell: TypeAlias = Sequence[str]
"""A cell of a table, as a list of its lines."""


@attrs.frozen
class Table:
    """A table with headings.

    Args:
        headings: One heading per column.
        rows: Rows with one cell per heading.
        wrapped: Indices of columns whose lines may be joined and wrapped again.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    wrapped: frozenset[int]


def target_table(rows: Iterable[Row]) -> Table:
    """Return the table of measured figures and targets."""
    headings = ("#", "question", "measured", "reach", "beat", "verdict")
    return Table(headings, [_target_cells(row) for row in rows], frozenset({1}))


def _target_cells(row: Row) -> list[Cell]:
    """Return the cells of a row. The n-th lines of the cells are about the n-th figure."""
    figures = [figure.cells for figure in row.figures]
    measured, reach, beat = ([cells[column] for cells in figures] for column in range(3))
    if row.note is not None:
        measured = textwrap.wrap(row.note, QUESTION_WIDTH)
    question = textwrap.wrap(row.question, QUESTION_WIDTH)
    if row.lost:
        question.append(f"LOST: {row.lost:,} images")
    return [[row.number], question, measured, reach, beat, [row.verdict]]


def comparison_table(rows: Iterable[Row]) -> Table | None:
    """Return the table that compares all measured peers; None if only aliocr was measured."""
    measures = [comparison for row in rows for comparison in row.comparisons]
    names = [name for name in PEERS if any(name in measure.rounds for measure in measures)]
    if len(names) < 2:
        return None
    cells = [
        [
            [name],
            *(
                [with_range(measure.rounds[name], measure.form)] if name in measure.rounds else []
                for measure in measures
            ),
        ]
        for name in names
    ]
    return Table(["", *(measure.measure for measure in measures)], cells, frozenset())


def print_table(table: Table) -> None:
    """Print a table, with rich if rich is installed, otherwise as plain text."""
    if find_spec("rich") is None:
        print(plain_text(table))
        return
    from rich.console import Console
    from rich.table import Table as RichTable

    drawn = RichTable(show_lines=True)
    for column, heading in enumerate(table.headings):
        narrow = "\n".join(textwrap.wrap(heading, MEASURE_WIDTH))
        drawn.add_column(narrow, no_wrap=column not in table.wrapped)
    for row in table.rows:
        drawn.add_row(*_joined(table, row, "\n"))
    # A log or a file has no width of its own, so use a fixed width.
    Console(width=None if sys.stdout.isatty() else FILE_WIDTH).print(drawn)


def plain_text(table: Table) -> str:
    """Return the table as plain text."""
    headings = [textwrap.wrap(heading, MEASURE_WIDTH) for heading in table.headings]
    blocks = [headings, *table.rows]
    widths = [
        max((len(line) for block in blocks for line in block[column]), default=0)
        for column in range(len(headings))
    ]
    rule = "-+-".join("-" * width for width in widths)
    lines = []
    for block in blocks:
        for line in zip_longest(*block, fillvalue=""):
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            lines.append(" | ".join(padded).rstrip())
        lines.append(rule)
    return "\n".join(lines)


def markdown(table: Table) -> str:
    """Return the table as Markdown."""
    lines = [list(table.headings), ["---"] * len(table.headings)]
    lines += [_joined(table, row, "<br>") for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _joined(table: Table, row: Sequence[Cell], newline: str) -> list[str]:
    """Return each cell as one text, with its lines joined by `newline`."""
    return [
        (" " if column in table.wrapped else newline).join(cell) for column, cell in enumerate(row)
    ]


def phase_lines(scenario: Scenario) -> list[str]:
    """Return the results of the scenario of raised quotas as lines of text, one line per phase."""
    lines = ["Image quota raised while one stream runs (sliding log, 588 beyond):"]
    for phase in scenario.phases:
        reached = phase.seconds_to_reach
        lines.append(
            f"  {phase.limit:5,.0f} images/s: 85 % reached "
            + ("never" if reached is None else f"after {reached:.1f} s")
            + f"; after 5 s refused {phase.refused_percent:.1f} % of images sent,"
            f" used {phase.used:.2f} of the limit"
        )
    lines.append(
        f"  images outstanding at most: {scenario.most_outstanding:,}; failed: {scenario.failed:,};"
        f" without an outcome: {scenario.lost:,}"
    )
    return lines
