"""Search for words in the lines of scans or of an output."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar, cast

import attrs

from aliocr.models import Region
from aliocr.text.layout import Line
from aliocr.text.letters import is_cjk

HALF_WIDTH_MARKS = "\uff9e\uff9f"
"""The voicing marks of half-width kana. Each mark is a separate character after its letter."""

HYPHENS = frozenset("-\u2010")
"""Hyphens that may divide a word at the end of a line. A soft hyphen is invisible anyway."""


_Place: TypeAlias = tuple[int, int, int]
"""Number of a line, and start and end of a character in it."""


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
    phrase may continue in the next line, also within a word that a hyphen divides there.

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
    if whole.isascii() and _bare(wanted) not in _bare(whole).lower():
        return  # most outcomes need only this quick test, so the search is four times as fast
    letters = _letters(line.text for line in lines)
    found: dict[_Place, _Place] = {}
    for way in _ways(letters):
        text = "".join(letter.folded for letter in way)
        at = text.find(wanted)
        while at >= 0:
            first, last = way[at], way[at + len(wanted) - 1]
            found.setdefault(first[1:], last[1:])
            at = text.find(wanted, at + len(wanted))
    before = (-1, 0, 0)
    for first_place, last_place in sorted(found.items()):
        if first_place > before:
            (number, start, _), (last_number, _, end) = first_place, last_place
            yield Match(outcome, number, lines[number : last_number + 1], start, end)
            before = last_place


def _ways(letters: list[_Letter]) -> Iterator[list[_Letter]]:
    """Yield the letters as they are, then with each word whole that a hyphen divides at a line end.

    The hyphen may belong to the word, as in `co-operative`, or not: both ways are tried.
    """
    yield letters
    ends = [
        at
        for at in range(1, len(letters) - 2)
        if letters[at].folded in HYPHENS
        and letters[at + 1].folded == " "
        and letters[at].line < letters[at + 2].line
        and letters[at - 1].folded.isalpha()
        and letters[at + 2].folded.isalpha()
    ]
    if ends:
        blanks, hyphens = {at + 1 for at in ends}, {*ends}
        yield [each for at, each in enumerate(letters) if at not in blanks]
        yield [each for at, each in enumerate(letters) if at not in blanks | hyphens]


def _bare(text: str) -> str:
    return "".join(text.replace("-", "").split())


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
