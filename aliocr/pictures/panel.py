"""The texts beside a picture: wrapped into rows, each as near to its box as there is room."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise

import attrs

from aliocr.pictures.fonts import LACKING, Face, Lettering
from aliocr.pictures.tags import Tags
from aliocr.text.layout import is_cjk

UNWRITTEN = "(no font)"
"""What stands in the panel for a text of which nothing can be written."""

MOST_COLUMNS = 3
"""Side by side beside a picture."""

ROW, TIGHT_ROW = 1.4, 1.22
"""Height of a row, in font sizes: the usual one, and the least."""

GAP = 0.5
"""Between two blocks, and beside numbers, in font sizes."""

APART = 1.1
"""Between what is in one box and the number of the next one in the same row, in font sizes."""

WIDEST = 34
"""Of a text before it is wrapped, in font sizes."""

JUMP = 2.0
"""Upwards from one line to the next, in rows, where another column of the picture is read."""

CLOSING = frozenset("，。、；：！？）」』】》〉〕］｝…—,.;:!?)]}%")
"""What does not begin a row."""


@attrs.frozen
class NumberedText:
    """One region, as it is drawn.

    Args:
        text: Plain, not empty.
        number: In reading order, from 1; None for a text without a place.
        box: Left, upper, right and lower edge within the picture, in its pixels; None likewise.
    """

    text: str
    number: int | None = None
    box: tuple[float, float, float, float] | None = None


@attrs.frozen
class Tag:
    """A number in a row, from `x` on."""

    x: float
    number: int


@attrs.frozen
class TextRun:
    """Text in a row, from `x` on.

    Args:
        x: In pixels.
        text: All of one font.
        face: The font.
        faint: It only stands for what cannot be written.
    """

    x: float
    text: str
    face: Face
    faint: bool = False


@attrs.frozen
class Style:
    """Sizes of a panel, in pixels.

    Args:
        size: Of the font.
        tag: Width of the widest number's tag.
        gap: Behind a tag.
        row: Height of a row.
        between: Between two blocks.
        widest: Where a row ends at the latest.
    """

    size: int
    tag: int
    gap: int
    row: int
    between: int
    widest: int

    @classmethod
    def of(cls, size: int, tag: int) -> Style:
        """The usual one for this size of font, and of the widest tag."""
        row, between = round(ROW * size), round(GAP * size)
        return cls(size, tag, round(GAP * size), row, between, WIDEST * size)

    @property
    def tight(self) -> Style:
        """The same with as little as can be between rows."""
        return attrs.evolve(self, row=round(TIGHT_ROW * self.size), between=1)


@attrs.frozen
class Block:
    """One line of the picture, as rows of the panel.

    Args:
        rows: What stands in each.
        width: Of the widest row.
        middle: Where its first row would like to have its middle; None if anywhere.
    """

    rows: tuple[tuple[Tag | TextRun, ...], ...]
    width: float
    middle: float | None = None


@attrs.frozen
class PlacedBlock:
    """A block, and how far down its column it begins."""

    block: Block
    y: float


class Typesetter:
    """Makes a block of the pieces of a line: numbers and texts, one after the other.

    Args:
        lettering: To write with.
        tags: What numbers look like.
        style: Sizes.
    """

    def __init__(self, lettering: Lettering, tags: Tags, style: Style) -> None:
        self._lettering = lettering
        self._tags = tags
        self._style = style
        self._rows: list[list[Tag | TextRun]] = []
        self._x = self._width = 0.0

    def block(self, pieces: Sequence[NumberedText]) -> Block:
        """The pieces in rows that are not too wide, to stand anywhere."""
        self._rows, self._x, self._width = [[]], 0.0, 0.0
        for piece in pieces:
            written = self._lettering.written(piece.text)
            text = written or UNWRITTEN
            faces = dict(zip(text, self._lettering.faces(text), strict=True))
            width = sum(faces[each].width(each, self._style.size) for each in text)
            self._tag(piece.number, width)
            self._text(text, faces, faint=not written)
        return Block(tuple(tuple(row) for row in self._rows), self._width)

    @property
    def _indent(self) -> int:
        return self._style.tag + self._style.gap

    def _tag(self, number: int | None, following: float) -> None:
        """The number of what follows, so wide; in a row that has begun if both have room in it."""
        style = self._style
        width = 0 if number is None else self._tags.width(number)
        at = self._x + APART * style.size
        first = not self._rows[-1]
        if not first and at + width + style.gap + following > style.widest:
            self._break(0)
            first = True
        at = 0 if first else at
        if number is not None:
            self._rows[-1].append(Tag(at, number))
        self._x = self._indent if first else at + width + 0.7 * style.gap

    def _text(self, text: str, faces: Mapping[str, Face], *, faint: bool) -> None:
        for word in _words(text):
            widths = [faces[each].width(each, self._style.size) for each in word]
            if self._x + sum(widths[: len(word.rstrip())]) <= self._style.widest:
                for face, part in groupby(word, faces.__getitem__):
                    self._put("".join(part), face, faint=faint)
                continue
            if self._x > self._indent:
                self._break(self._indent)
            for each, width in zip(word, widths, strict=True):
                if self._x + width > self._style.widest and self._x > self._indent:
                    if each == " ":
                        continue
                    self._break(self._indent)
                self._put(each, faces[each], faint=faint)

    def _put(self, text: str, face: Face, *, faint: bool) -> None:
        row = self._rows[-1]
        last = row[-1] if row else None
        if isinstance(last, TextRun) and last.face is face:
            row[-1] = attrs.evolve(last, text=last.text + text)
        else:
            row.append(TextRun(self._x, text, face, faint))
        self._x += sum(face.width(each, self._style.size) for each in text)
        self._width = max(self._width, self._x)

    def _break(self, x: float) -> None:
        self._rows.append([])
        self._x = x


def _words(text: str) -> Iterator[str]:
    """The text in what is not parted if that can be helped, each with the spaces behind it."""
    start = 0
    for at, (left, right) in enumerate(pairwise(text), 1):
        parted = left == " " or _stands_alone(left) or _stands_alone(right)
        if parted and right != " " and right not in CLOSING:
            yield text[start:at]
            start = at
    yield text[start:]


def _stands_alone(character: str) -> bool:
    """As what is lacking is of a script without blanks, nearly always."""
    return character == LACKING or is_cjk(character)


def height_of(blocks: Sequence[Block], style: Style) -> int:
    """Of blocks below each other."""
    rows = sum(len(block.rows) for block in blocks)
    return rows * style.row + max(0, len(blocks) - 1) * style.between


def columns_of(
    blocks: Sequence[Block], height: int, style: Style
) -> tuple[Style, tuple[tuple[PlacedBlock, ...], ...]]:
    """The blocks in columns, each block near its place as far as the others leave room.

    What is beside one column of the picture makes a column here, if there are few.

    Args:
        blocks: In reading order, at least one.
        height: That a column should not exceed; it does if there is too much text.
        style: Sizes.

    Returns:
        The columns, and the style they are set in: a tight one if nothing else fits.
    """
    columns = _runs(blocks, style)
    for each in (style, style.tight):
        if len(columns) <= MOST_COLUMNS and _highest(columns, each) <= height:
            return each, tuple(_placed(column, height, each) for column in columns)
    for count in range(1, MOST_COLUMNS + 1):
        columns = _split(blocks, count)
        for each in (style, style.tight):
            if _highest(columns, each) <= height:
                return each, tuple(_placed(column, height, each) for column in columns)
    return style, tuple(_placed(column, height, style) for column in columns)


def even_columns(
    blocks: Sequence[Block], most: int, style: Style
) -> tuple[tuple[PlacedBlock, ...], ...]:
    """The blocks in so many columns at most, of about one height."""
    return tuple(_placed(column, 0, style) for column in _split(blocks, most))


def _highest(columns: Sequence[Sequence[Block]], style: Style) -> int:
    return max(height_of(column, style) for column in columns)


def _runs(blocks: Sequence[Block], style: Style) -> list[list[Block]]:
    """Parted where the picture is read on from further up."""
    runs: list[list[Block]] = [[]]
    deepest = -math.inf
    for block in blocks:
        if block.middle is not None and block.middle < deepest - JUMP * style.row:
            runs.append([])
            deepest = -math.inf
        runs[-1].append(block)
        deepest = max(deepest, -math.inf if block.middle is None else block.middle)
    return runs


def _split(blocks: Sequence[Block], count: int) -> list[list[Block]]:
    """So many parts of about as many rows."""
    total = sum(len(block.rows) for block in blocks)
    parts: list[list[Block]] = [[] for _ in range(count)]
    before = 0
    for block in blocks:
        parts[int((before + len(block.rows) / 2) * count / total)].append(block)
        before += len(block.rows)
    return [part for part in parts if part]


def _placed(blocks: Sequence[Block], height: int, style: Style) -> tuple[PlacedBlock, ...]:
    """Pushed down by those above as far as need be, then up by the end of the column."""
    places: list[float] = []
    free = 0.0
    for block in blocks:
        wish = free if block.middle is None else block.middle - style.row / 2
        places.append(max(free, wish))
        free = places[-1] + len(block.rows) * style.row + style.between
    end = float(max(height, height_of(blocks, style)))
    for at in reversed(range(len(blocks))):
        places[at] = min(places[at], end - len(blocks[at].rows) * style.row)
        end = places[at] - style.between
    return tuple(PlacedBlock(block, y) for block, y in zip(blocks, places, strict=True))
