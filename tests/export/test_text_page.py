"""A page without its picture shows its text, or at least that there is one."""

from __future__ import annotations

import pytest

pytest.importorskip("pikepdf")
pytest.importorskip("PIL")

from aliocr import Region
from aliocr.export.text_layer import UprightPage
from aliocr.export.text_page import TextPages
from aliocr.text.layout import Line

UNKNOWN = "\ue123\ue124"
"""Letters for private use, which no font has."""


def test_a_text_that_no_font_has_is_drawn_as_boxes() -> None:
    """Each letter is one box, and they are counted."""
    pages, place = TextPages(), UprightPage.of(120, 40, None)

    def drawn(text: str) -> bytes:
        return pages.drawn((Line(text, (Region(text, 10, 5, 80, 30),)),), place).data

    assert drawn(UNKNOWN) == drawn("□□") != drawn("  ")
    assert pages.lacking == 2
