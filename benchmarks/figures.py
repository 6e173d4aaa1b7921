"""Measured figures, what they are held against, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal, TypeAlias

import attrs

__all__ = ["Comparison", "Curve", "Figure", "Row", "Verdict", "at_least", "at_most", "with_range"]

Verdict: TypeAlias = Literal["beat", "reached", "missed", "not measured"]
_BEST_FIRST: tuple[Verdict, ...] = ("beat", "reached", "missed", "not measured")

FAR = 2.0
"""A figure that is so many times worse than its target is no matter of a busy machine."""


@attrs.frozen
class Figure:
    """One number: the median of what its rounds measured.

    Args:
        name: What it is, with its unit if `form` does not show it.
        rounds: As measured, a value a round.
        sense: Whether less is better, or more.
        reach: The target.
        beat: The better target.
        form: How to write it.
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
        """Against both targets, at full precision."""
        if self._worse_than(self.beat) <= 0:
            return "beat"
        return "reached" if self._worse_than(self.reach) <= 0 else "missed"

    @property
    def far_off(self) -> bool:
        """Missed by so much that something is broken."""
        bound = self.reach * FAR if self.sense == "≤" else self.reach / FAR
        return self._worse_than(bound) > 0

    @property
    def cells(self) -> tuple[str, str, str]:
        """Measured, reach and beat as the table shows them."""
        reach, beat = (f"{self.sense} {self.form.format(goal)}" for goal in (self.reach, self.beat))
        return f"{self.name} {with_range(self.rounds, self.form)}", reach, beat

    def _worse_than(self, goal: float) -> float:
        return self.value - goal if self.sense == "≤" else goal - self.value


def with_range(rounds: Sequence[float], form: str) -> str:
    """The median, and from where to where the rounds went if there was more than one."""
    text = form.format(median(rounds))
    if len(rounds) == 1:
        return text
    # The unit that a form may end with is said once.
    number = form[: form.index("}") + 1]
    return f"{text} ({number.format(min(rounds))}–{number.format(max(rounds))})"


def at_most(
    name: str, rounds: float | Sequence[float], reach: float, beat: float, form: str = "{:.2f}"
) -> Figure:
    """A figure of which less is better; one value, or one a round."""
    return Figure(name, _values(rounds), "≤", reach, beat, form)


def at_least(
    name: str, rounds: float | Sequence[float], reach: float, beat: float, form: str = "{:.2f}"
) -> Figure:
    """A figure of which more is better; one value, or one a round."""
    return Figure(name, _values(rounds), "≥", reach, beat, form)


def _values(rounds: float | Sequence[float]) -> tuple[float, ...]:
    return (float(rounds),) if isinstance(rounds, int | float) else tuple(rounds)


@attrs.frozen
class Comparison:
    """One measure of ours beside the same of everybody else.

    Args:
        measure: What was measured, with its unit.
        form: How to write a value.
        rounds: By the name of whose it is: a value a round.
    """

    measure: str
    form: str
    rounds: Mapping[str, tuple[float, ...]]


@attrs.frozen
class Curve:
    """One line of a picture.

    Args:
        picture: The stem of the picture's file name.
        line: Whose line it is.
        x: What grows, with its unit.
        y: What it costs, with its unit.
        points: x and y, by growing x.
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
        number: Of the target.
        question: What is asked, with the sizes it was asked at.
        figures: The answers.
        details: What helps to understand them, by name.
        lost: Images without an outcome, or with more than one.
        note: Why there is no answer, if there is none.
        comparisons: Its measures, beside those of others.
        curves: Its measures over sizes.
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
        """The worst of its figures'."""
        verdicts = [figure.verdict for figure in self.figures] or ["not measured"]
        return max(verdicts, key=_BEST_FIRST.index)
