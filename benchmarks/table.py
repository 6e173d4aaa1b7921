"""The table, in rich's hand or in plain text."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import zip_longest

from benchmarks.figures import Row
from benchmarks.quotas import Scenario

__all__ = ["phase_lines", "show", "table_text"]

HEADINGS = ("#", "question", "measured", "reach", "beat", "verdict")

QUESTION_WIDTH = 44
"""Characters a line of a plain table."""

FILE_WIDTH = 132
"""Characters a line of a rich table that is not read on a terminal."""


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    if find_spec("rich") is None:
        print(table_text(rows))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_lines=True)
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=heading != "question")
    for row in rows:
        number, question, *others = _cells(row)
        table.add_row(*number, " ".join(question), *("\n".join(cell) for cell in others))
    # A log or a file has no width that the table must keep to.
    Console(width=None if sys.stdout.isatty() else FILE_WIDTH).print(table)


def table_text(rows: Sequence[Row]) -> str:
    """The table in plain text."""
    blocks = [[[heading] for heading in HEADINGS], *(_cells(row) for row in rows)]
    widths = [
        max(len(line) for block in blocks for line in block[column])
        for column in range(len(HEADINGS))
    ]
    rule = "-+-".join("-" * width for width in widths)
    lines = []
    for block in blocks:
        for line in zip_longest(*block, fillvalue=""):
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            lines.append(" | ".join(padded).rstrip())
        lines.append(rule)
    return "\n".join(lines)


def _cells(row: Row) -> list[list[str]]:
    """The lines of each cell; the figures' stand side by side."""
    figures = [figure.cells for figure in row.figures]
    measured, reach, beat = ([cells[column] for cells in figures] for column in range(3))
    if row.note is not None:
        measured = textwrap.wrap(row.note, QUESTION_WIDTH)
    question = textwrap.wrap(row.question, QUESTION_WIDTH)
    if row.lost:
        question.append(f"LOST: {row.lost:,} images")
    return [[row.number], question, measured, reach, beat, [row.verdict]]


def phase_lines(scenario: Scenario) -> list[str]:
    """The image-quota scenario, a line a phase."""
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
