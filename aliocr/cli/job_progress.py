"""What a person sees of a running job: a few lines on a terminal, or one now and then."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from rich.text import Text

from aliocr.cli.figures import counted, duration, rate
from aliocr.cli.recent import Recent
from aliocr.job.summary import Progress
from aliocr.limits import Limits

__all__ = ["JobProgress"]

WIDE = 60
"""Columns from which on facts share a line."""

LEAST_BAR = 5
"""Columns below which a bar says nothing."""

MOST_BAR = 60
"""Columns beyond which it says no more."""

STOPPING = (
    "finishing what is under way; once more to stop at once",
    "finishing; once more to stop at once",
)
"""The same in full and in short, as of every fact."""


@attrs.frozen
class Fact:
    """One thing to say, in full and in as few words as a narrow terminal has room for."""

    full: str
    short: str
    style: str = ""


@attrs.frozen
class Signs:
    """What lines are drawn with, where the terminal's alphabet has no better."""

    bar: str = "-"
    rest: str = " "
    between: str = " | "

    @classmethod
    def of(cls, encoding: str) -> Signs:
        """The best ones that this encoding has."""
        best = cls("━", "─", " · ")
        try:
            f"{best.bar}{best.between}".encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return cls()
        return best


@attrs.frozen
class JobProgress:
    """Makes lines of the numbers of a job.

    Args:
        recent: What it did over the last seconds.
        limits: What the account allows; None where nothing is limited.
        signs: What to draw with.
    """

    recent: Recent
    limits: Limits | None
    signs: Signs

    def lines(self, progress: Progress, width: int, *, stopping: bool) -> tuple[Text, ...]:
        """For a terminal: none is longer than the width, in columns, and so none wraps."""
        pace, left, trouble = self._pace(), self._left(progress), self._trouble(progress)
        said = [[*pace, *left], trouble] if width >= WIDE else [pace, left, trouble]
        if stopping:
            said.append([Fact(*STOPPING, style="yellow")])
        lines = [self._bar(progress, width), *(self._line(facts, width) for facts in said if facts)]
        for line in lines:
            line.truncate(width)
        return tuple(lines)

    def sentence(self, progress: Progress) -> str:
        """For a file or a pipe: all of it in one line."""
        kinds = f" ({_kinds(progress)})" if progress.failed else ""
        facts = [
            f"{_done(progress)} rows{_percent(progress, ' (', ')')}",
            *(fact.full for fact in self._pace()),
            f"{sum(progress.failed.values()):,} failed{kinds}",
            *(fact.full for fact in self._throttled(progress)),
            *(fact.full for fact in self._left(progress)),
        ]
        return ", ".join(facts)

    def _bar(self, progress: Progress, width: int) -> Text:
        """How much is done, as a bar and in numbers, which keep their places as they grow."""
        total = _total(progress)
        if total is None:
            return Text(f"{counted(progress.rows, 'row')} so far")
        done = _done(progress).rjust(2 * len(f"{total:,}") + len(" of ~"))
        words = f"{_percent(progress, ' ').rjust(5)}  {done}"
        room = min(MOST_BAR, width - len(words))
        if room < LEAST_BAR:
            return Text(_done(progress))
        full = room * progress.rows // max(1, total)
        return Text.assemble(
            (self.signs.bar * full, "green"), (self.signs.rest * (room - full), "dim"), words
        )

    def _pace(self) -> list[Fact]:
        if self.recent.idle:
            words = f"nothing has come for {duration(self.recent.idle)}"
            return [Fact(words, words, "yellow")]
        if not self.recent.told:
            return []
        pace = self.recent.images
        images = f"{rate(pace)} images/s"
        if self.limits is None:
            if pace < 1:
                images = f"{duration(1 / pace)} an image" if pace else ""
            return [Fact(images, images)] if images else []
        share = self.recent.share or 0.0
        percent = f"{100 * share:.0f}% of the limit"
        if self.limits.images_per_second is not None:
            return [Fact(images, images), Fact(percent, percent)]
        requests = (
            f"{self.recent.requests:.1f} of {rate(self.limits.requests_per_second)} requests/s"
        )
        return [Fact(images, images), Fact(requests, percent)]

    def _left(self, progress: Progress) -> list[Fact]:
        facts = []
        if (seconds := self.recent.left(progress)) is not None:
            facts.append(Fact(f"{duration(seconds)} left", f"{duration(seconds)} left"))
        if progress.budget is not None:
            rest = f"{max(0, progress.budget - progress.spent):,}"
            facts.append(Fact(f"budget for {rest} more", f"budget {rest}"))
        return facts

    def _trouble(self, progress: Progress) -> list[Fact]:
        failed = sum(progress.failed.values())
        facts = []
        if failed:
            short = f"{failed:,} failed"
            facts.append(Fact(f"{short}: {_kinds(progress)}", short, "red"))
        return facts + self._throttled(progress)

    def _throttled(self, progress: Progress) -> list[Fact]:
        times = progress.stats.throttled
        words = f"{times:,} throttled"
        return [Fact(words, words, "yellow")] if times else []

    def _line(self, facts: Sequence[Fact], width: int) -> Text:
        """All facts in full, or else in short, or else as many as there is room for."""
        if len(full := self._joined([(fact.full, fact.style) for fact in facts])) <= width:
            return full
        short = [(fact.short, fact.style) for fact in facts]
        while len(line := self._joined(short)) > width and len(short) > 1:
            short.pop()
        return line

    def _joined(self, words: Sequence[tuple[str, str]]) -> Text:
        between = Text.assemble((self.signs.between, "dim"))
        return between.join(Text.assemble(each) for each in words)


def _total(progress: Progress) -> int | None:
    """An estimate may fall behind what is known."""
    return None if progress.total is None else max(progress.total, progress.rows)


def _done(progress: Progress) -> str:
    total = _total(progress)
    if total is None:
        return f"{progress.rows:,}"
    return f"{progress.rows:,} of {'' if progress.exact else '~'}{total:,}"


def _percent(progress: Progress, before: str = "", after: str = "") -> str:
    """Rounded down: a hundred are all."""
    total = _total(progress)
    return "" if total is None else f"{before}{100 * progress.rows // max(1, total)}%{after}"


def _kinds(progress: Progress) -> str:
    """The commonest first."""
    commonest = sorted(progress.failed.items(), key=lambda each: -each[1])
    return ", ".join(f"{rows:,} × {kind}" for kind, rows in commonest)
