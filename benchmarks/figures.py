"""Measured figures, what they are held against, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

__all__ = ["Figure", "Row", "Verdict", "at_least", "at_most"]

Verdict: TypeAlias = Literal["beat", "reached", "missed", "not measured"]
_BEST_FIRST: tuple[Verdict, ...] = ("beat", "reached", "missed", "not measured")


@attrs.frozen
class Figure:
    """One number.

    Args:
        name: What it is, with its unit if `form` does not show it.
        value: As measured.
        sense: Whether less is better, or more.
        reach: The target.
        beat: The better target.
        form: How to write it.
    """

    name: str
    value: float
    sense: Literal["≤", "≥"]
    reach: float
    beat: float
    form: str = "{:.2f}"

    @property
    def verdict(self) -> Verdict:
        """Against both targets, at full precision."""
        sign = 1 if self.sense == "≤" else -1
        if sign * self.value <= sign * self.beat:
            return "beat"
        return "reached" if sign * self.value <= sign * self.reach else "missed"

    @property
    def cells(self) -> tuple[str, str, str]:
        """Measured, reach and beat as the table shows them."""
        reach, beat = (f"{self.sense} {self.form.format(goal)}" for goal in (self.reach, self.beat))
        return f"{self.name} {self.form.format(self.value)}", reach, beat


def at_most(name: str, value: float, reach: float, beat: float, form: str = "{:.2f}") -> Figure:
    """A figure of which less is better."""
    return Figure(name, value, "≤", reach, beat, form)


def at_least(name: str, value: float, reach: float, beat: float, form: str = "{:.2f}") -> Figure:
    """A figure of which more is better."""
    return Figure(name, value, "≥", reach, beat, form)


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
    """

    number: str
    question: str
    figures: tuple[Figure, ...] = ()
    details: Mapping[str, float] = attrs.field(factory=dict)
    lost: int = 0
    note: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of its figures'."""
        verdicts = [figure.verdict for figure in self.figures] or ["not measured"]
        return max(verdicts, key=_BEST_FIRST.index)
