"""Arrange the texts of a panel in rows and columns, each text near its box if possible.

A block is the text of one line of the picture. It takes one or more rows of the panel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise

import attrs

from aliocr.pictures.fonts import LACKING, Face, Lettering
from aliocr.pictures.tags import Tags
from aliocr.text.letters import is_cjk

UNWRITTEN = "(no font)"
"""The panel shows this in place of a text that cannot be written in any font."""

MOST_COLUMNS = 3
"""Maximum number of columns of a panel beside a picture."""

ROW, TIGHT_ROW = 1.4, 1.22
"""Usual height and minimum height of a row, as multiples of the font size."""

GAP = 0.5
"""Space between two blocks, and space after a number, as a multiple of the font size."""

APART = 1.1
"""Space between a text and the next number in the same row, as a multiple of the font size."""

WIDEST = 34
"""Maximum width of a row, as a multiple of the font size. A longer text is wrapped."""

JUMP = 2.0
"""A line starts a new column of the picture if its middle is above the lowest middle of the current
column by more than this number of rows."""

CLOSING = frozenset("，。、；：！？）」』】》〉〕］｝…—,.;:!?)]}%")
"""Characters that must not begin a row, such as closing brackets."""


@attrs.frozen
class NumberedText:
    """The text of one region, with its number and its box.

    Args:
        text: The text, as `plain` returns it; not empty.
        number: Number in reading order, from 1; None for a text without a box.
        box: Left, upper, right and lower edge, in pixels of the picture; None if the text has
            no box inside the picture.
    """

    text: str
    number: int | None = None
    box: tuple[float, float, float, float] | None = None


@attrs.frozen
class Tag:
    """A number in a row of the panel. It begins `x` pixels from the left edge of the row."""

    x: float
    number: int


@attrs.frozen
class TextRun:
    """A part of a row that is written in one font.

    It begins `x` pixels from the left edge of the row. `faint` is True for the text `UNWRITTEN`.
    """

    x: float
    text: str
    face: Face
    faint: bool = False


@attrs.frozen
class Style:
    """Sizes of a panel, in pixels.

    Args:
        size: Font size.
        tag: Width of the widest number.
        gap: Space after a number.
        row: Height of a row.
        between: Space between two blocks.
        widest: Maximum width of a row.
    """

    size: int
    tag: int
    gap: int
    row: int
    between: int
    widest: int

    @classmethod
    def of(cls, size: int, tag: int) -> Style:
        """Return the usual style for a font size and the width of the widest number."""
        gap = round(GAP * size)
        return cls(size, tag, gap, round(ROW * size), gap, WIDEST * size)

    @property
    def tight(self) -> Style:
        """This style with the minimum space between rows and between blocks."""
        return attrs.evolve(self, row=round(TIGHT_ROW * self.size), between=1)


@attrs.frozen
class Block:
    """One line of the picture, wrapped into rows of the panel.

    Args:
        rows: For each row, its numbers and its parts of text.
        width: Width of the widest row.
        middle: Where the middle of the first row should be, in pixels from the top of the column;
            None if the block may stand anywhere.
    """

    rows: tuple[tuple[Tag | TextRun, ...], ...]
    width: float
    middle: float | None = None


@attrs.frozen
class PlacedBlock:
    """A block and its place: `y` is its upper edge, in pixels."""

    block: Block
    y: float


class Typesetter:
    """Arranges the numbers and texts of one line in the rows of a block."""

    def __init__(self, lettering: Lettering, tags: Tags, style: Style) -> None:
        self._lettering = lettering
        self._tags = tags
        self._style = style
        self._indent = style.tag + style.gap
        self._rows: list[list[Tag | TextRun]] = []
        self._x = self._width = 0.0

    def block(self, texts: Sequence[NumberedText]) -> Block:
        """Return the texts of one line, wrapped into rows that are at most `style.widest` wide."""
        self._rows, self._x, self._width = [[]], 0.0, 0.0
        style = self._style
        for piece in texts:
            written = self._lettering.written(piece.text)
            text = written or UNWRITTEN
            faces = dict(zip(text, self._lettering.faces(text), strict=True))
            tag = 0 if piece.number is None else self._tags.width(piece.number)
            # Continue the current row only if the number and its whole text fit into this row.
            at = self._x + APART * style.size
            following = sum(faces[each].width(each, style.size) for each in text)
            if self._rows[-1] and at + tag + style.gap + following > style.widest:
                self._break(0)
            first = not self._rows[-1]
            at = 0 if first else at
            if piece.number is not None:
                self._rows[-1].append(Tag(at, piece.number))
            self._x = self._indent if first else at + tag + 0.7 * style.gap
            self._text(text, faces, faint=not written)
        return Block(tuple(tuple(row) for row in self._rows), self._width)

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
    """Yield the words of a text, each word with the spaces after it.

    Each CJK character is a word. A character of `CLOSING` belongs to the word before it.
    """
    start = 0
    for at, (left, right) in enumerate(pairwise(text), 1):
        parted = left == " " or _stands_alone(left) or _stands_alone(right)
        if parted and right != " " and right not in CLOSING:
            yield text[start:at]
            start = at
    yield text[start:]


def _stands_alone(character: str) -> bool:
    """Return True for a CJK character, and for □, which nearly always replaces a CJK character."""
    return character == LACKING or is_cjk(character)


def height_of(blocks: Sequence[Block], style: Style) -> int:
    """Return the height of a column of blocks, in pixels."""
    rows = sum(len(block.rows) for block in blocks)
    return rows * style.row + max(0, len(blocks) - 1) * style.between


def columns_of(
    blocks: Sequence[Block], height: int, style: Style
) -> tuple[Style, tuple[tuple[PlacedBlock, ...], ...]]:
    """Return the blocks in columns, and the style of the columns.

    Each block is as near to its wanted place as possible. Each column of the picture becomes a
    column of the panel, if there are at most `MOST_COLUMNS` columns and they fit into `height`. If
    not, the blocks are split into columns of about equal height. The style is tight if the usual
    style does not fit. If no style fits, the columns are higher than `height`.
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
    """Return the blocks in at most `most` columns of about equal height."""
    return tuple(_placed(column, 0, style) for column in _split(blocks, most))


def _highest(columns: Sequence[Sequence[Block]], style: Style) -> int:
    return max(height_of(column, style) for column in columns)


def _runs(blocks: Sequence[Block], style: Style) -> list[list[Block]]:
    """Split the blocks by the columns of the picture. `JUMP` says where a new column starts."""
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
    """Split the blocks into at most `count` parts with about the same number of rows."""
    total = sum(len(block.rows) for block in blocks)
    parts: list[list[Block]] = [[] for _ in range(count)]
    before = 0
    for block in blocks:
        parts[int((before + len(block.rows) / 2) * count / total)].append(block)
        before += len(block.rows)
    return [part for part in parts if part]


def _placed(blocks: Sequence[Block], height: int, style: Style) -> tuple[PlacedBlock, ...]:
    """Place the blocks in a column, without overlaps.

    First, a block that overlaps the block above it is moved down. Then, from the bottom up, a block
    that reaches below the end of the column or into the block below it is moved up.
    """
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
