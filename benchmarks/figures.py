"""Measured figures, their targets and their verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal, TypeAlias

import attrs

Verdict: TypeAlias = Literal["beat", "reached", "missed", "not measured"]
_BEST_FIRST: tuple[Verdict, ...] = ("beat", "reached", "missed", "not measured")

FAR = 2.0
"""A figure this many times worse than its target is a defect, not a busy machine."""


@attrs.frozen
class Figure:
    """One number with its targets: the median of the rounds.

    Args:
        name: Its name, with the unit if `form` does not show it.
        rounds: One measured value per round.
        sense: "≤" if less is better, "≥" if more is better.
        reach: The target.
        beat: The better target.
        form: Format of the value.
    """

    name: str
    rounds: tuple[float, ...]
    sense: Literal["≤", "≥"]
    reach: float
    beat: float
    form: str = "{:.2f}"

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)

    @property
    def verdict(self) -> Verdict:
        """Verdict against both targets, at full precision."""
        if self._worse_than(self.beat) <= 0:
            return "beat"
        return "reached" if self._worse_than(self.reach) <= 0 else "missed"

    @property
    def far_off(self) -> bool:
        """True if the target is missed by so much that something is broken."""
        bound = self.reach * FAR if self.sense == "≤" else self.reach / FAR
        return self._worse_than(bound) > 0

    @property
    def cells(self) -> tuple[str, str, str]:
        """Measured value, reach and beat as the table shows them."""
        reach, beat = (f"{self.sense} {self.form.format(goal)}" for goal in (self.reach, self.beat))
        return f"{self.name} {with_range(self.rounds, self.form)}", reach, beat

    def _worse_than(self, goal: float) -> float:
        return self.value - goal if self.sense == "≤" else goal - self.value


def with_range(rounds: Sequence[float], form: str) -> str:
    """Return the median, with the range of the rounds if there are several."""
    text = form.format(median(rounds))
    if len(rounds) == 1:
        return text
    # The unit at the end of a form is written once.
    number = form[: form.index("}") + 1]
    return f"{text} ({number.format(min(rounds))}–{number.format(max(rounds))})"


def at_most(
    name: str, rounds: float | Sequence[float], reach: float, beat: float, form: str = "{:.2f}"
) -> Figure:
    """Return a figure where less is better; `rounds` is one value, or one per round."""
    return Figure(name, _values(rounds), "≤", reach, beat, form)


def at_least(
    name: str, rounds: float | Sequence[float], reach: float, beat: float, form: str = "{:.2f}"
) -> Figure:
    """Return a figure where more is better; `rounds` is one value, or one per round."""
    return Figure(name, _values(rounds), "≥", reach, beat, form)


def _values(rounds: float | Sequence[float]) -> tuple[float, ...]:
    return (float(rounds),) if isinstance(rounds, int | float) else tuple(rounds)


@attrs.frozen
class Comparison:
    """One measure of all peers.

    Args:
        measure: The measured quantity, with its unit.
        form: Format of a value.
        rounds: By name of the peer: one value per round.
    """

    measure: str
    form: str
    rounds: Mapping[str, tuple[float, ...]]


@attrs.frozen
class Curve:
    """One line of a chart.

    Args:
        picture: Stem of the chart's file name.
        line: Name of the line.
        x: Quantity on the x axis, with its unit.
        y: Quantity on the y axis, with its unit.
        points: Pairs of x and y, by ascending x.
    """

    picture: str
    line: str
    x: str
    y: str
    points: tuple[tuple[float, float], ...]


@attrs.frozen
class Row:
    """A row of the table.

    Args:
        number: Number of the target.
        question: The measured question, with its sizes.
        figures: The measured figures.
        details: Further values that explain the figures, by name.
        lost: Images without an outcome, or with more than one outcome.
        note: The reason if nothing was measured.
        comparisons: Measures of all peers.
        curves: Measures over a growing size.
    """

    number: str
    question: str
    figures: tuple[Figure, ...] = ()
    details: Mapping[str, float] = attrs.field(factory=dict)
    lost: int = 0
    note: str | None = None
    comparisons: tuple[Comparison, ...] = ()
    curves: tuple[Curve, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the figures."""
        verdicts = [figure.verdict for figure in self.figures] or ["not measured"]
        return max(verdicts, key=_BEST_FIRST.index)
