"""Search for words in the lines of scans or of an output."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar, cast

import attrs

from aliocr.models import Region
from aliocr.text.layout import Line
from aliocr.text.letters import is_cjk

HALF_WIDTH_MARKS = "\uff9e\uff9f"
"""The voicing marks of half-width kana. Each mark is a separate character after its letter."""


class _Outcome(Protocol):
    @property
    def ok(self) -> bool: ...


class _WithLines(Protocol):
    @property
    def lines(self) -> tuple[Line[Region], ...]: ...


Searched = TypeVar("Searched", bound=_Outcome)


@attrs.frozen
class Match(Generic[Searched]):
    """One match: a place where the words were found.

    Args:
        outcome: The scan, or the row of an output, that contains the words.
        number: The number of the first line of `lines`; the first line of the page has number 0.
        lines: The line that contains the words, or several lines if the words continue in the next
            line.
        start: Index of the first character of the words, in the text of the first line.
        end: Index after the last character of the words, in the text of the last line.
    """

    outcome: Searched
    number: int
    lines: tuple[Line[Region], ...]
    start: int
    end: int

    @property
    def spans(self) -> tuple[tuple[Line[Region], int, int], ...]:
        """Each line, with start and end of the words in its text."""
        last = len(self.lines) - 1
        return tuple(
            (line, self.start if at == 0 else 0, self.end if at == last else len(line.text))
            for at, line in enumerate(self.lines)
        )

    @property
    def text(self) -> str:
        """The words as they stand in the lines, with a space between two lines."""
        return " ".join(line.text[start:end] for line, start, end in self.spans)

    @property
    def regions(self) -> tuple[Region, ...]:
        """The regions that contain the words; empty if the service gave no regions."""
        found = []
        for line, start, end in self.spans:
            stop = 0
            for region in line.regions:
                begin = line.text.index(region.text, stop)
                stop = begin + len(region.text)
                if begin < end and start < stop:
                    found.append(region)
        return tuple(found)


def search(outcomes: Iterable[Searched], words: str) -> Iterator[Match[Searched]]:
    """Return the places where the words are found in outcomes.

    An outcome is searched only when the iterator reaches it. The search works like the search of a
    browser: the words are one phrase, which may begin or end within longer words. Upper and lower
    case count as equal. Full-width and other forms of a character also count as equal. Several
    spaces count as one space; spaces beside a Chinese or Japanese character do not count. The
    phrase may continue in the next line.

    Args:
        outcomes: Scans and failures, or the rows of an output (`aliocr.results`); failures are
            skipped.
        words: The phrase to find.

    Returns:
        An iterator of the matches, outcome by outcome; the matches of an outcome are in the order
        of its lines. Matches do not overlap.

    Raises:
        ValueError: `words` contains no visible character.
    """
    wanted = "".join(letter.folded for letter in _letters([words]))
    if not wanted:
        raise ValueError(f"words must contain at least one visible character, not {words!r}")
    return (match for outcome in outcomes if outcome.ok for match in _found(outcome, wanted))


def _found(outcome: Searched, wanted: str) -> Iterator[Match[Searched]]:
    lines = cast("_WithLines", outcome).lines
    whole = " ".join(line.text for line in lines)
    if whole.isascii() and _without_blanks(wanted) not in _without_blanks(whole).lower():
        return  # most outcomes need only this quick test, so the search is four times as fast
    letters = _letters(line.text for line in lines)
    text = "".join(letter.folded for letter in letters)
    at = text.find(wanted)
    while at >= 0:
        first, last = letters[at], letters[at + len(wanted) - 1]
        within = lines[first.line : last.line + 1]
        yield Match(outcome, first.line, within, first.start, last.end)
        at = text.find(wanted, at + len(wanted))


def _without_blanks(text: str) -> str:
    return "".join(text.split())


class _Letter(NamedTuple):
    """One character in the form that the search compares, and its place: line, start and end."""

    folded: str
    line: int
    start: int
    end: int


def _letters(lines: Iterable[str]) -> list[_Letter]:
    """Return the characters of all lines in the form that the search compares."""
    found: list[_Letter] = []
    blank: _Letter | None = None
    for number, line in enumerate(lines):
        for start, end in _characters(line):
            for folded in _folded(line[start:end]):
                letter = _Letter(folded, number, start, end)
                if folded.isspace():
                    blank = blank or letter
                    continue
                if blank and found and not is_cjk(found[-1].folded) and not is_cjk(folded):
                    found.append(blank)
                blank = None
                found.append(letter)
        blank = blank or _Letter(" ", number, len(line), len(line))
    return found


def _characters(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each character, including its combining marks."""
    start = 0
    for place in range(1, len(text) + 1):
        following = text[place : place + 1]
        if following and (unicodedata.combining(following) or following in HALF_WIDTH_MARKS):
            continue
        yield start, place
        start = place


def _folded(character: str) -> str:
    """Return the form of a character that the search compares.

    For white space this is a space, and for an invisible character it is the empty text.
    """
    if character.isascii():
        return " " if character.isspace() else character.lower()
    plain = unicodedata.normalize("NFKC", character)
    folded = unicodedata.normalize("NFKC", plain.casefold())
    return "".join(
        " " if each.isspace() else each for each in folded if unicodedata.category(each) != "Cf"
    )
