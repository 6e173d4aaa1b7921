"""Crops of one line, such as a price or an account number, whose digits must be right."""

from __future__ import annotations

import asyncio
import io
import random
import string
from collections.abc import Iterator, Sequence

import attrs
from PIL import Image

from aliocr.emulator.engine import Found, RapidOCREngine
from aliocr.emulator.reading.reader import PictureReader
from aliocr.models import Region
from aliocr.text.layout import joined_text, reading_order
from benchmarks.reading.drawing import draw, text_width
from benchmarks.reading.errors import squeezed
from benchmarks.reading.pages import Page
from benchmarks.table import Table

HEADINGS = ("one line", "texts wrong", "digits wrong", "runs of the engine")

TEXTS = (
    *("Total 644.50 EUR", "Sum 1,234,567.89 USD", "IBAN DE89 3704 0044 0532 0130 00"),
    *("Invoice 968418 of 14.6.2026", "Date: 2024-11-23 14:05:59", "Tel. +49 30 1234 5678-90"),
    *("Order 5500217763 shipped 03.04.2025", "Net 19.99 VAT 3.80 Gross 23.79 EUR"),
    "Serial SN-0088-1147 Batch 77A-119 Made 2023/12/01 Exp 2027/11/30",
)
IN_CHINESE = ("合计：1,288.00元", "订单编号：202411239988776655", "身份证号310115199001011234")

SIZES = (14, 18, 24, 32, 48)
"""Font sizes, in pixels."""


class _CountingEngine(RapidOCREngine):
    runs = 0

    def recognize(self, picture: Image.Image) -> Found:
        self.runs += 1
        return super().recognize(picture)


@attrs.define
class _Measure:
    texts: int = 0
    digits: int = 0
    runs: int = 0

    def add(self, true: str, found: str) -> None:
        self.texts += squeezed(true) != squeezed(found)
        self.digits += _digits(true) != _digits(found)


def crops(number: int, fonts: Sequence[str | None]) -> Iterator[tuple[str, Image.Image]]:
    """Yield pictures of one line with their texts: random digits, sizes and margins."""
    for seed in range(number):
        dice, font = random.Random(seed), fonts[seed % len(fonts)]
        template = dice.choice(TEXTS if font is None else TEXTS + IN_CHINESE)
        text = "".join(dice.choice(string.digits) if each.isdigit() else each for each in template)
        size, margin = dice.choice(SIZES), dice.randint(3, 12)
        width = text_width(font)(text, size)
        box = Region(text, margin, margin, width, size)
        yield text, draw(Page((box,), int(width) + 2 * margin, size + 2 * margin), font)


def measure(number: int, fonts: Sequence[str | None]) -> Table:
    """Read crops by the engine alone, as whole pictures, and in the strips of the service."""
    return asyncio.run(_measure(number, fonts))


async def _measure(number: int, fonts: Sequence[str | None]) -> Table:
    engine = _CountingEngine()
    ways = {"engine alone": None, "whole pictures": True, "strips of the service": False}
    rows = []
    for name, whole in ways.items():
        engine.runs, found = 0, _Measure()
        reader = PictureReader(lambda: engine, 1, whole_pictures=bool(whole))
        for text, picture in crops(number, fonts):
            if whole is None:
                found.add(text, joined_text(reading_order(engine.recognize(picture))))
                continue
            file = io.BytesIO()
            picture.save(file, "PNG")
            found.add(text, (await reader.read(file.getvalue(), interval=1, max_frames=100)).text)
        await reader.aclose()
        cells = (f"{found.texts} of {number}", f"{found.digits} of {number}", f"{engine.runs}")
        rows.append([[name], *([cell] for cell in cells)])
    return Table(HEADINGS, rows, frozenset())


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
