"""Draw lots of layouts: papers, newspapers, curricula, menus, receipts, tables, vertical poems.

The pages of `benchmarks.reading.pages` are fixed. Here each seed gives other sizes, gutters, texts
and angles, so that pages can be measured on which no value of the library was chosen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

import attrs

from aliocr.models import Region
from benchmarks.reading.pages import CHINESE, WORDS, Page, TextWidth

POINT = 72
"""Points of an inch."""

DISHES = ("番茄炒蛋", "宫保鸡丁", "清炒时蔬", "红烧牛肉面", "酸辣汤", "白米饭", "麻婆豆腐", "绿茶")
SURNAMES, OFFICES = "张李王赵陈刘杨黄周吴", ("销售部", "财务部", "技术部", "人事部", "市场部")
POSTS, STATES = ("经理", "会计", "工程师", "助理", "主管"), ("在职", "离职", "休假")
POEM = "春眠不觉晓处处闻啼鸟夜来风雨声花落知多少床前明月光疑是地上霜举头望明月低头思故乡"
PROSE = "この日本語の文章は複数の列に分かれていますそれぞれの列は上から下へ読みます列は右から左へ"


@attrs.define
class Sheet:
    """Puts texts on a page of random size, in reading order.

    Args:
        chance: The source of all choices.
        text_width: Function that measures the texts.
        chinese: True for Chinese texts, False for English texts.
    """

    chance: random.Random
    text_width: TextWidth
    chinese: bool = False
    size: int = 20
    pieces: list[Region] = attrs.field(factory=list)
    rows: list[tuple[str, ...]] = attrs.field(factory=list)

    def put(self, text: str, x: float, y: float, size: int = 0, *, at: float = 0.0) -> float:
        """Put a text at x, y; `at` is 0 for its left edge, 0.5 for its middle, 1 for its right."""
        size = size or self.size
        width = self.text_width(text, size)
        self.pieces.append(Region(text, x - at * width, y, width, size))
        return y + size

    def down(self, text: str, x: float, y: float, size: int = 0) -> float:
        """Put a vertical text with its upper left corner at x, y."""
        size = size or self.size
        self.pieces.append(Region(text, x, y, size, size * len(text)))
        return y + size * len(text)

    def words(self, number: int) -> str:
        """Return `number` random words, or twice as many Chinese characters."""
        if self.chinese:
            start = self.chance.randrange(len(CHINESE))
            return (3 * CHINESE)[start : start + 2 * number]
        return " ".join(self.chance.choice(WORDS) for _ in range(number))

    def column(self, x: float, y: float, width: float, lines: int, *, full: bool) -> float:
        """Put a column of running text with paragraphs; `full` lines are justified where possible.

        A blank is widened by half a letter at most. In a book, words are hyphenated instead.
        """
        blank = "" if self.chinese else " "
        paragraph = self.chance.randint(4, 9)
        for line in range(1, lines + 1):
            last = line == lines or line % paragraph == 0
            most = width * (self.chance.uniform(0.2, 0.8) if last else 1)
            text = self.words(1)
            while self.text_width(longer := text + blank + self.words(1), self.size) <= most:
                text = longer
            self.put(text, x, y)
            if full and width - self.pieces[-1].w < text.count(" ") * self.size / 2:
                self.pieces[-1] = attrs.evolve(self.pieces[-1], w=width)
            y += round(1.25 * self.size)
        return y

    def pair(self, left: str, right: str, x: float, y: float, end: float) -> None:
        """Put two texts of one row: the one at x, the other so that it ends at `end`."""
        self.put(left, x, y)
        self.put(right, end, y + self.chance.choice((-1, 0, 0, 1)), at=1)
        self.rows.append((left, right))

    def page(self, width: float, height: float = 0.0) -> Page:
        """Return the page with all texts that were put on it."""
        bottom = max(piece.y + piece.h for piece in self.pieces) + 2 * self.size
        return Page(
            tuple(self.pieces),
            round(width),
            round(max(height, bottom)),
            rows=tuple(self.rows),
        )


def paper(sheet: Sheet) -> Page:
    """Return a two-column paper: type of 9 to 11 points, gutters of 10 to 18, at 150 or 200 dpi."""
    chance, point = sheet.chance, sheet.chance.choice((150, 200)) / POINT
    sheet.size = round(chance.choice((9, 10, 10, 11)) * point)
    width, margin = chance.choice((595, 612)) * point, chance.uniform(45, 60) * point
    gutter = chance.choice((10, 12, 14, 16, 18)) * point
    each = (width - 2 * margin - gutter) / 2
    full = chance.random() < 0.7
    y = sheet.put(sheet.words(chance.randint(4, 7)), width / 2, margin, 2 * sheet.size, at=0.5)
    y = sheet.put(sheet.words(3), width / 2, y + sheet.size, at=0.5)
    y += 2 * sheet.size
    for _ in range(chance.choice((1, 1, 2))):
        low = y
        for side in (0, 1):
            x, at = margin + side * (each + gutter), y + side * chance.choice((0, 0, 5, 9))
            for _ in range(chance.randint(1, 3)):
                at = sheet.put(sheet.words(1), x, at) + 0.6 * sheet.size
                at = sheet.column(x, at, each, chance.randint(6, 14), full=full) + sheet.size * 0.6
            low = max(low, at)
        caption = sheet.words(8)
        while sheet.text_width(caption, sheet.size) < each + gutter + 3 * sheet.size:
            caption += ("" if sheet.chinese else " ") + sheet.words(1)
        y = sheet.put(caption, margin, low + sheet.size * 0.6)
        y += 0.9 * sheet.size
    sheet.put(str(chance.randint(1, 99)), width / 2, y + 3 * sheet.size, at=0.5)
    return sheet.page(width, 842 * point)


def newspaper(sheet: Sheet) -> Page:
    """Return a newspaper: headline, two to four columns, sometimes a caption over two of them."""
    chance, point = sheet.chance, sheet.chance.choice((150, 200)) / POINT
    sheet.size = round(chance.choice((9, 10, 12)) * point)
    columns = chance.choice((2, 3, 3, 4))
    each = sheet.size * chance.uniform(13, 17)
    gutter = chance.choice((10, 12, 14, 18)) * point
    margin = 2.0 * sheet.size
    y = sheet.put(sheet.words(chance.randint(3, 5)), margin, margin, round(2.4 * sheet.size))
    if chance.random() < 0.5:
        y = sheet.put(sheet.words(chance.randint(5, 7)), margin, y + 0.5 * sheet.size)
    y += sheet.size
    lines = chance.randint(10, 26)
    for column in range(columns):
        less = chance.randint(0, 4)
        sheet.column(margin + column * (each + gutter), y, each, lines - less, full=True)
    return sheet.page(2 * margin + columns * each + (columns - 1) * gutter)


def curriculum(sheet: Sheet) -> Page:
    """Return a curriculum with short lines in a bar at the left, sections at the right."""
    chance = sheet.chance
    sheet.size = chance.randint(20, 30)
    bar, x, pitch = 3.0 * sheet.size, chance.uniform(16, 20) * sheet.size, 1.6 * sheet.size
    name, y = chance.random() < 0.4, 2.0 * sheet.size
    if name:
        y = sheet.put(sheet.words(2), bar, y, 2 * sheet.size) + 1.5 * sheet.size
    for side, parts in ((bar, chance.randint(3, 4)), (x, chance.randint(2, 4))):
        at = y + chance.randint(0, 12)
        for _ in range(parts):
            at = sheet.put(sheet.words(1), side, at, round(1.15 * sheet.size)) + 0.6 * sheet.size
            for _ in range(chance.randint(2, 4)):
                number = chance.randint(1, 2) if side == bar else chance.randint(5, 8)
                sheet.put(sheet.words(number), side, at)
                at += pitch
            at += 1.2 * sheet.size
    return sheet.page(x + 32 * sheet.size)


def menu(sheet: Sheet) -> Page:
    """Return a menu: sections with dishes at the left and prices at the right."""
    chance = sheet.chance
    sheet.size = chance.randint(18, 30)
    pitch, x = chance.uniform(1.5, 2.1) * sheet.size, 3.0 * sheet.size
    end = x + chance.uniform(18, 30) * sheet.size
    y = sheet.put(sheet.words(2), (x + end) / 2, x, round(1.8 * sheet.size), at=0.5)
    y = sheet.put(sheet.words(2), (x + end) / 2, y + sheet.size / 2, at=0.5) + 1.5 * sheet.size
    for part in range(chance.randint(2, 4)):
        sheet.put(sheet.words(1), x, y, round(1.2 * sheet.size))
        y += 1.2 * pitch
        for row in range(chance.randint(2, 5)):
            dish = (
                f"{chance.choice(DISHES)}" if sheet.chinese else sheet.words(chance.randint(1, 3))
            )
            sheet.pair(dish, f"{part + 3}{row}.{chance.randint(0, 9)}0", x, y, end)
            y += pitch
        y += 0.6 * pitch
    sheet.put(sheet.words(4), (x + end) / 2, y + pitch, at=0.5)
    return sheet.page(end + x)


def receipt(sheet: Sheet) -> Page:
    """Return a receipt: name and address in the middle, articles and prices, a sum, thanks."""
    chance = sheet.chance
    sheet.size = chance.randint(16, 28)
    pitch, x = chance.uniform(1.35, 1.8) * sheet.size, 2.5 * sheet.size
    end, y = x + chance.uniform(14, 22) * sheet.size, 2.5 * sheet.size
    for number in (2, 3, 2):
        sheet.put(sheet.words(number), (x + end) / 2, y, at=0.5)
        y += pitch
    y += 0.5 * pitch
    for row in range(chance.randint(4, 11)):
        sheet.pair(
            sheet.words(chance.randint(1, 3)), f"{row + 1}.{chance.randint(10, 99)}", x, y, end
        )
        y += pitch
    y += 0.5 * pitch
    for row, name in enumerate(("合计", "现金") if sheet.chinese else ("Total", "Cash", "Change")):
        sheet.pair(name, f"{row + 4}{chance.randint(10, 99)}.00", x, y, end)
        y += pitch
    sheet.put(sheet.words(2), (x + end) / 2, y + pitch, at=0.5)
    return sheet.page(end + x)


def chinese_table(sheet: Sheet) -> Page:
    """Return a table of Chinese cells, a blank between two cells of a row."""
    chance = sheet.chance
    sheet.size = chance.randint(18, 32)
    apart = chance.uniform(5, 9) * sheet.size
    starts = [3 * sheet.size + column * apart for column in range(4)]
    pitch = chance.uniform(1.6, 2.8) * sheet.size
    for row in range(chance.randint(3, 9)):
        cells = (
            chance.choice(SURNAMES) + chance.choice(CHINESE) * chance.randint(1, 2),
            *(chance.choice(OFFICES), chance.choice(POSTS), chance.choice(STATES)),
        )
        if row == 0:
            cells = ("姓名", "部门", "职位", "状态")
        for cell, x in zip(cells, starts, strict=True):
            sheet.put(cell, x, 3 * sheet.size + row * pitch)
        sheet.rows.append(cells)
    return sheet.page(starts[-1] + 6 * sheet.size)


def vertical(sheet: Sheet) -> Page:
    """Return a poem, a couplet or prose in columns from right to left."""
    chance = sheet.chance
    sheet.size = chance.randint(24, 48)
    pitch = chance.choice((1.4, 1.6, 2.0, 5.0)) * sheet.size
    columns, top, text = chance.randint(2, 7), 2.0 * sheet.size, chance.choice((POEM, PROSE))
    right = 2 * sheet.size + columns * pitch
    each, start = chance.randint(4, 12), chance.randrange(20)
    if chance.random() < 0.3:
        top = sheet.put(text[:4], right / 2, top, round(1.2 * sheet.size), at=0.5) + sheet.size
    for column in range(columns):
        letters = each - (chance.randint(0, 2) if text is PROSE else 0)
        said = (2 * text)[start + column * each :][: max(3, letters)]
        x = right - (column + 1) * pitch
        if len(said) >= 7 and text is POEM and each % 2 == 0:
            half = sheet.down(said[: len(said) // 2], x, top)
            sheet.down(said[len(said) // 2 :], x, half + sheet.size)
        else:
            sheet.down(said, x, top)
    return sheet.page(right + sheet.size)


Layout = Callable[[Sheet], Page]

LAYOUTS: dict[str, tuple[Layout, bool, bool]] = {
    "paper": (paper, False, False),
    "newspaper": (newspaper, False, False),
    "curriculum": (curriculum, False, False),
    "menu": (menu, False, True),
    "receipt": (receipt, False, True),
    "paper, Chinese": (paper, True, False),
    "newspaper, Chinese": (newspaper, True, False),
    "menu, Chinese": (menu, True, True),
    "receipt, Chinese": (receipt, True, True),
    "table, Chinese": (chinese_table, True, False),
    "vertical": (vertical, True, False),
}
"""Name of a layout: function, whether it is in Chinese, whether it is photographed askew."""


def layouts(
    text_width: TextWidth, seeds: Iterable[int], names: Iterable[str] = tuple(LAYOUTS)
) -> Iterator[tuple[str, Page]]:
    """Yield a page of each layout for each seed, with the name of the layout.

    Photographed pages are turned by 2 to 6 degrees, to the left and to the right in turn, and are
    taken a little from a side.
    """
    for name in names:
        make, in_chinese, askew = LAYOUTS[name]
        for seed in seeds:
            chance = random.Random(f"{name} {seed}")
            page = make(Sheet(chance, text_width, in_chinese))
            if askew:
                page = attrs.evolve(
                    page,
                    degrees=chance.uniform(2, 6) * (-1) ** seed,
                    tilt=(chance.uniform(-0.03, 0.03), chance.uniform(-0.03, 0.03)),
                )
            yield name, page


def as_found(page: Page) -> list[Region]:
    """Return the pieces as an engine finds them: in any order, in boxes that are not exact.

    A box is larger than the letters by a tenth or two of their height, to each side.
    """
    chance = random.Random(4)
    found = []
    for piece in chance.sample(page.pieces, len(page.pieces)):
        x, y, right, bottom = (min(piece.w, piece.h) * chance.uniform(0.1, 0.2) for _ in range(4))
        found.append(
            Region(piece.text, piece.x - x, piece.y - y, piece.w + x + right, piece.h + y + bottom)
        )
    return found
