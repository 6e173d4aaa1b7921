"""Build pages of many kinds, as boxes of text in the true reading order."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import attrs

from aliocr.models import Region

TextWidth = Callable[[str, int], float]
"""Function that returns the width of a text in a given letter height, in pixels."""

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
"""Matrix of a projection, row by row."""

SIZE = 20
"""Height of ordinary letters, in pixels."""

PITCH = 28
"""Distance from one line to the next, in pixels."""

_ENGLISH = """
harbour lantern copper winter market garden bottle thunder river candle window marble silver
orchard basket meadow pepper saddle kitchen letter ribbon tunnel velvet mirror cotton hammer
island jacket kettle ladder magnet needle office pencil quarry rabbit sailor ticket umbrella
valley walnut yellow zipper anchor bridge cellar dragon engine forest glacier helmet insect
jungle kernel lizard museum nectar oyster parrot quiver rocket shadow temple uncle violin whale
"""
WORDS = _ENGLISH.split()

CHINESE = (
    "春天来了花园里开满了花孩子们在河边放风筝老人坐在树下喝茶远处的山上还有一点雪市场里有新鲜的"
    "蔬菜和水果船停在港口等待明天的风图书馆今天开门很早学生们排队进去读书火车经过长长的桥向南方去"
)


@attrs.frozen
class Page:
    """A page with its true reading order.

    Args:
        upright: Lines or cells of a table in reading order, before the rotation.
        width: Width of the page in pixels.
        height: Height of the page in pixels.
        degrees: Clockwise rotation about the centre of the page, in degrees.
        tilt: How much nearer the right and the lower edge are than the centre, as a share of the
            distance: a picture taken from the side.
        rows: Texts that are to stand in one line, from left to right.
    """

    upright: tuple[Region, ...]
    width: int = 1000
    height: int = 1000
    degrees: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def pieces(self) -> tuple[Region, ...]:
        """Lines or cells on the picture. Each has an upright box around its turned box."""
        return tuple(map(self._turned, self.upright)) if self.skewed else self.upright

    @property
    def skewed(self) -> bool:
        """Whether the picture is turned, or taken from the side."""
        return bool(self.degrees or any(self.tilt))

    @property
    def matrix(self) -> Matrix:
        """The projection of the page to the picture, about the centre, in pixels."""
        sine, cosine = math.sin(math.radians(self.degrees)), math.cos(math.radians(self.degrees))
        right, down = -2 * self.tilt[0] / self.width, -2 * self.tilt[1] / self.height
        return (cosine, -sine, 0.0), (sine, cosine, 0.0), (right, down, 1.0)

    def _turned(self, piece: Region) -> Region:
        across, down = self.width / 2, self.height / 2
        corners = [
            [sum(map(float.__mul__, row, (x - across, y - down, 1.0))) for row in self.matrix]
            for x in (piece.x, piece.x + piece.w)
            for y in (piece.y, piece.y + piece.h)
        ]
        xs = [across + x / depth for x, _, depth in corners]
        ys = [down + y / depth for _, y, depth in corners]
        return Region(piece.text, min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


class PageBuilder:
    """Puts texts on a page, in reading order.

    Args:
        text_width: Function that measures the texts.
        chinese: True for Chinese texts, False for English texts.
    """

    def __init__(self, text_width: TextWidth, *, chinese: bool = False) -> None:
        self._text_width = text_width
        self._chance = random.Random(20)
        self._chinese = chinese
        self._pieces: list[Region] = []

    def put(self, text: str, x: float, y: float, size: int = SIZE, *, right: bool = False) -> float:
        """Put a text with its upper left (or upper right) corner at x, y; return its lower edge."""
        width = self._text_width(text, size)
        self._pieces.append(Region(text, x - width if right else x, y, width, size))
        return y + size

    def words(self, number: int) -> str:
        """Return `number` random words, or twice as many Chinese characters."""
        if self._chinese:
            start = self._chance.randrange(len(CHINESE))
            return (2 * CHINESE)[start : start + min(2 * number, len(CHINESE))]
        return " ".join(self._chance.choice(WORDS) for _ in range(number))

    def column(self, x: float, y: float, width: float, lines: int, gap_after: int = 0) -> float:
        """Put lines of running text, and return the lower edge of the last line.

        The last line of a paragraph is shorter.

        Args:
            x: Left edge of the lines.
            y: Upper edge of the first line.
            width: Maximum width of a line.
            lines: Number of lines.
            gap_after: Number of lines in a paragraph, after which a blank line follows; 0 for no
                blank lines.
        """
        blank = "" if self._chinese else " "
        for line in range(1, lines + 1):
            text = self.words(1)
            last = line == lines or (gap_after and line % gap_after == 0)
            most = width / (2 if last else 1)
            while self._text_width(longer := text + blank + self.words(1), SIZE) <= most:
                text = longer
            self.put(text, x, y)
            y += PITCH * (2 if gap_after and line % gap_after == 0 else 1)
        return y

    def build(self, width: int = 1000, height: int | None = None) -> Page:
        """Return the page with all texts that were put on it."""
        bottom = max(piece.y + piece.h for piece in self._pieces)
        return Page(tuple(self._pieces), width, height or math.ceil(bottom) + 40)


def em_width(text: str, size: int) -> float:
    """Estimate the width of a text: half of `size` per letter, `size` per Chinese character."""
    return sum(size if ord(letter) > 0x2E80 else size / 2 for letter in text)


def _one_column(page: PageBuilder) -> Page:
    page.column(80, 60, 840, 24, gap_after=6)
    return page.build()


def _two_columns(page: PageBuilder) -> Page:
    for x in (60, 530):
        page.column(x, 60, 410, 24)
    return page.build()


def _two_uneven_columns(page: PageBuilder) -> Page:
    """Return two columns with paragraphs. The right column is shorter."""
    page.column(60, 60, 410, 24, gap_after=5)
    page.column(530, 60, 410, 11, gap_after=4)
    return page.build()


def _three_columns(page: PageBuilder) -> Page:
    """Return a newspaper page: headline, subtitle, three columns, footer."""
    page.put(page.words(4), 60, 40, 48)
    page.put(page.words(6), 60, 110, 26)
    for x in (40, 360, 680):
        page.column(x, 180, 280, 22)
    page.put(page.words(5), 300, 860)
    return page.build()


def _receipt(page: PageBuilder) -> Page:
    """Return a receipt: articles at the left, prices at the right, other texts in the middle."""
    for y, words in ((40, 2), (70, 4), (100, 3)):
        text = page.words(words)
        page.put(text, 250 - em_width(text, SIZE) / 2, y)
    for row in range(9):
        y = 170 + row * PITCH
        page.put(page.words(1 + row % 3), 40, y)
        page.put(f"{3 + 7 * row}.{10 + 9 * row}", 460, y + row % 3 - 1, right=True)
    for row, name in enumerate(("Subtotal", "Tax", "Total")):
        page.put(name, 40, 450 + row * PITCH)
        page.put(f"{100 + row}.00", 460, 450 + row * PITCH, right=True)
    text = page.words(3)
    page.put(text, 250 - em_width(text, SIZE) / 2, 560)
    return page.build(500)


def _table(page: PageBuilder) -> Page:
    """Return a table of numbers with headings."""
    for row in range(10):
        for column, x in enumerate((60, 330, 560, 790)):
            text = page.words(1) if row == 0 or column == 0 else str(137 * row + 31 * column)
            page.put(text, x, 60 + row * 40)
    return page.build()


def _table_of_texts(page: PageBuilder) -> Page:
    """Return a table with the columns article, long description, and price."""
    for row in range(10):
        page.put(page.words(1), 60, 60 + row * 36)
        page.put(page.words(4 + row % 3), 240, 60 + row * 36)
        page.put(f"{row + 4}.{10 + 7 * row}", 940, 60 + row * 36, right=True)
    return page.build()


def _form(page: PageBuilder) -> Page:
    """Return a form with names of fields and their values."""
    for row in range(8):
        page.put(f"{page.words(1 + row % 2)}:", 60, 60 + row * 50)
        page.put(page.words(2 + row % 3), 360, 60 + row * 50)
    return page.build()


def _left_sidebar(page: PageBuilder) -> Page:
    """Return a web page with a menu of short lines to the left of the text."""
    for row in range(9):
        page.put(page.words(1), 40, 120 + row * 34)
    page.put(page.words(3), 260, 60, 36)
    page.column(260, 120, 680, 18, gap_after=6)
    return page.build()


def _right_sidebar(page: PageBuilder) -> Page:
    """Return a page with notes to the right of the text."""
    page.column(60, 60, 640, 20, gap_after=5)
    for row in range(6):
        page.put(page.words(1 + row % 2), 780, 110 + row * 30)
    return page.build()


def _addresses(page: PageBuilder) -> Page:
    """Return a letter: sender and recipient side by side, then the text."""
    for x in (60, 560):
        for row in range(4):
            page.put(page.words(2 + row % 2), x, 60 + row * PITCH)
    page.put(page.words(4), 60, 240, 28)
    page.column(60, 310, 860, 8)
    return page.build()


def _mixed(page: PageBuilder) -> Page:
    """Return a page with a headline, an introduction, two columns, a table, and a footer."""
    page.put(page.words(4), 60, 40, 44)
    page.column(60, 120, 860, 3)
    for x in (60, 530):
        page.column(x, 250, 410, 9)
    for row in range(5):
        for column, x in enumerate((60, 400, 700)):
            text = page.words(1) if column == 0 else str(211 * row + 17 * column)
            page.put(text, x, 560 + row * 36)
    page.put(page.words(6), 60, 800)
    return page.build()


def _figure(page: PageBuilder) -> Page:
    """Return two columns. The left column has a picture with a caption."""
    y = page.column(60, 60, 410, 6)
    page.put(page.words(4), 60, y + 260)
    page.column(60, y + 320, 410, 6)
    page.column(530, 60, 410, 23)
    return page.build()


def _headings(page: PageBuilder) -> Page:
    """Return two columns with headings at different heights."""
    for x, first in ((60, 6), (530, 10)):
        y = page.column(x, 60, 410, first)
        page.put(page.words(2), x, y + 24, 28)
        page.column(x, y + 70, 410, 18 - first)
    return page.build()


def _chat(page: PageBuilder) -> Page:
    """Return a chat with bubbles at the left and at the right in turn."""
    y = 40.0
    for bubble in range(8):
        lines = 1 + bubble % 3
        for _ in range(lines):
            page.put(page.words(3), 40 if bubble % 2 == 0 else 600, y)
            y += PITCH
        y += 30
    return page.build()


def _cards(page: PageBuilder) -> Page:
    """Return six cards in two rows. Each card is read as a whole."""
    for top in (60, 360):
        for x in (40, 370, 700):
            page.put(page.words(2), x, top, 26)
            page.column(x, top + 50, 260, 6)
    return page.build()


def _tight_columns(page: PageBuilder) -> Page:
    """Return a journal page: two columns with a narrow gap."""
    for x in (60, 520):
        page.column(x, 60, 436, 30)
    return page.build()


Maker = Callable[[PageBuilder], Page]

_MAKERS: dict[str, Maker] = {
    "one column": _one_column,
    "two columns": _two_columns,
    "two columns, uneven": _two_uneven_columns,
    "two columns, narrow gutter": _tight_columns,
    "two columns, headings": _headings,
    "two columns, a picture": _figure,
    "three columns, a headline": _three_columns,
    "receipt": _receipt,
    "table of numbers": _table,
    "table of texts": _table_of_texts,
    "form": _form,
    "sidebar at the left": _left_sidebar,
    "sidebar at the right": _right_sidebar,
    "letter with two addresses": _addresses,
    "mixed blocks": _mixed,
    "cards": _cards,
    "chat": _chat,
}
_IN_CHINESE = ("one column", "two columns", "two columns, uneven", "receipt", "mixed blocks")
_TILTED = ("one column", "two columns", "receipt", "table of numbers")


def pages(text_width: TextWidth, *, chinese: bool = True) -> Iterator[tuple[str, Page]]:
    """Yield every page with its name.

    Args:
        text_width: Function that measures the texts.
        chinese: True to include the Chinese pages.
    """
    upright = {name: make(PageBuilder(text_width)) for name, make in _MAKERS.items()}
    yield from upright.items()
    if chinese:
        for name in _IN_CHINESE:
            yield f"{name}, Chinese", _MAKERS[name](PageBuilder(text_width, chinese=True))
    for degrees in (1.0, 2.0, 4.0):
        for name in _TILTED:
            yield f"{name}, {degrees:g}° askew", attrs.evolve(upright[name], degrees=degrees)
