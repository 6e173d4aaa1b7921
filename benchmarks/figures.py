"""Types for measured figures, their targets and their verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal, TypeAlias

import attrs

Verdict: TypeAlias = Literal["beat", "reached", "missed", "not measured"]
_BEST_FIRST: tuple[Verdict, ...] = ("beat", "reached", "missed", "not measured")

FAR = 2.0
"""Factor for `far_off`. If a figure is this many times worse than its target, there is a defect; a
busy machine does not explain it."""


@attrs.frozen
class Figure:
    """One measured number with its two targets. The number is the median of several rounds.

    Args:
        name: Name of the figure, with the unit if `form` does not show the unit.
        rounds: One measured value per round.
        sense: "≤" if a lower value is better, "≥" if a higher value is better.
        reach: The usual target.
        beat: The second target, which is harder to meet.
        form: Format string of the value.
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
        """Verdict on the unrounded value: which of the two targets it meets."""
        if self._worse_than(self.beat) <= 0:
            return "beat"
        return "reached" if self._worse_than(self.reach) <= 0 else "missed"

    @property
    def far_off(self) -> bool:
        """True if the value is so much worse than the target that there must be a defect."""
        bound = self.reach * FAR if self.sense == "≤" else self.reach / FAR
        return self._worse_than(bound) > 0

    @property
    def cells(self) -> tuple[str, str, str]:
        """Measured value and both targets, as the table shows them."""
        reach, beat = (f"{self.sense} {self.form.format(goal)}" for goal in (self.reach, self.beat))
        return f"{self.name} {with_range(self.rounds, self.form)}", reach, beat

    def _worse_than(self, goal: float) -> float:
        return self.value - goal if self.sense == "≤" else goal - self.value


def with_range(rounds: Sequence[float], form: str) -> str:
    """Return the median as text, with the range of the rounds if there are several rounds."""
    text = form.format(median(rounds))
    if len(rounds) == 1:
        return text
    # `form` may end with a unit. The range is written without the unit.
    number = form[: form.index("}") + 1]
    return f"{text} ({number.format(min(rounds))}–{number.format(max(rounds))})"


def at_most(
    name: str, rounds: float | Sequence[float], reach: float, beat: float, form: str = "{:.2f}"
) -> Figure:
    """Return a figure for which lower is better; `rounds` is one value, or one value per round."""
    return Figure(name, _values(rounds), "≤", reach, beat, form)


def at_least(
    name: str, rounds: float | Sequence[float], reach: float, beat: float, form: str = "{:.2f}"
) -> Figure:
    """Return a figure for which higher is better; `rounds` is one value, or one value per round."""
    return Figure(name, _values(rounds), "≥", reach, beat, form)


def _values(rounds: float | Sequence[float]) -> tuple[float, ...]:
    return (float(rounds),) if isinstance(rounds, int | float) else tuple(rounds)


@attrs.frozen
class Comparison:
    """One quantity that was measured for several peers.

    Args:
        measure: The measured quantity, with its unit.
        form: Format string of a value.
        rounds: Values by name of the peer, one value per round.
    """

    measure: str
    form: str
    rounds: Mapping[str, tuple[float, ...]]


@attrs.frozen
class Curve:
    """One line of a chart.

    Args:
        picture: Name of the chart's PNG file, without `.png`.
        line: Name of the line.
        x: Quantity on the x axis, with its unit.
        y: Quantity on the y axis, with its unit.
        points: Pairs of x and y, in ascending order of x.
    """

    picture: str
    line: str
    x: str
    y: str
    points: tuple[tuple[float, float], ...]


@attrs.frozen
class Row:
    """A row of the result table.

    Args:
        number: Number or name of the row.
        question: What is measured, with the sizes.
        figures: The measured figures.
        details: Further values that explain the figures, by name.
        lost: Number of images without an outcome, and of surplus outcomes.
        note: The reason why nothing was measured; None if there are figures.
        comparisons: Quantities that were measured for several peers.
        curves: Quantities that were measured for several sizes.
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
