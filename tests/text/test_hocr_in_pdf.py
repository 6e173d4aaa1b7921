"""hOCR in the program that it is for: OCRmyPDF draws it, and pdfium finds the text in the PDF."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

from aliocr import Frame, Image, Region, Scan, to_hocr
from aliocr.job.output.result import Read
from aliocr.text.boxes import words_of
from tests.support.rows_read import sample
from tests.support.truth import TRUTH

ocrmypdf = pytest.importorskip("ocrmypdf", reason="the extra consumers brings it")
pdfium = pytest.importorskip("pypdfium2", reason="the extra consumers brings it")

pytestmark = pytest.mark.consumers

IMAGE = Image("https://example.com/a.png")
Place = tuple[float, float, float, float]


class _Pdf:
    """The page that OCRmyPDF makes of a scan: at 72 dots an inch, a pixel is a point."""

    def __init__(
        self, folder: Path, scan: Scan | Read, size: tuple[int, int] | None = None
    ) -> None:
        from ocrmypdf.font import MultiFontManager
        from ocrmypdf.fpdf_renderer import Fpdf2PdfRenderer
        from ocrmypdf.hocrtransform import HocrParser

        hocr, pdf = folder / "page.hocr", folder / "page.pdf"
        hocr.write_text(to_hocr(scan, size=size), encoding="utf-8")
        fonts = MultiFontManager(Path(ocrmypdf.__file__).parent / "data")
        page = HocrParser(hocr).parse()
        Fpdf2PdfRenderer(page, dpi=72, multi_font_manager=fonts, invisible_text=True).render(pdf)
        with pdfium.PdfDocument(pdf) as document:
            drawn = document[0]
            self.size = drawn.get_size()
            words = drawn.get_textpage()
            self.text = "".join(words.get_text_bounded().split())
            self._letters = [
                (words.get_text_range(at, 1), words.get_charbox(at))
                for at in range(words.count_chars())
            ]

    def has(self, text: str) -> bool:
        """Whether the text is found, as viewers find it: whatever blanks are between."""
        return _compared(text) in self.text

    def place(self, text: str) -> Place:
        """The box around the letters of a text: left, top, right, bottom, from the upper left."""
        letters = [(letter, box) for letter, box in self._letters if not letter.isspace()]
        wanted = _compared(text)
        start = "".join(letter for letter, _ in letters).index(wanted)
        left, bottom, right, top = zip(
            *(box for _, box in letters[start : start + len(wanted)]), strict=True
        )
        high = self.size[1]
        return min(left), high - max(top), max(right), high - min(bottom)


def _compared(text: str) -> str:
    """A text without blanks, in the form to which OCRmyPDF brings it: ： becomes a colon."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def _is_near(found: Place, region: Region, reach: float) -> bool:
    edges = (region.x, region.y, region.x + region.w, region.y + region.h)
    return all(abs(one - other) <= reach for one, other in zip(found, edges, strict=True))


def _columns() -> Sequence[Region]:
    return [
        Region(f"{side} line {row} of prose, € {row}.50", x, 40.0 + 40 * row, 420.0, 30.0)
        for side, x in (("left", 50.0), ("right", 520.0))
        for row in range(21)
    ]


def test_each_line_of_a_page_is_found(tmp_path: Path) -> None:
    """All 42, at their places, on a page as large as the picture."""
    regions = tuple(_columns())
    pdf = _Pdf(tmp_path, Scan(IMAGE, "", regions), size=(1000, 1400))
    assert pdf.size == (1000, 1400)
    found = [region for region in regions if pdf.has(region.text)]
    assert len(found) == len(regions) == 42
    assert all(_is_near(pdf.place(region.text), region, 16) for region in regions)


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_each_line_of_a_sample_is_found(name: str, tmp_path: Path) -> None:
    """Receipts, Chinese, long pictures; of a GIF OCRmyPDF takes the first page only."""
    row = sample(name)
    assert isinstance(row, Read)
    pdf = _Pdf(tmp_path, row)
    lines = TRUTH[name]["frames"][0] if name.endswith(".gif") else TRUTH[name]["lines"]
    assert [line["text"] for line in lines if not pdf.has(line["text"])] == []


@pytest.mark.parametrize("text", ["春眠不觉晓", "处处闻啼鸟 夜来", "Total amount 64.50", "1"])
def test_a_tall_text_runs_down(text: str, tmp_path: Path) -> None:
    """It is found, and as high as its region, though OCRmyPDF drops tall lines without angle."""
    region = Region(text, 100.0, 20.0, 30.0, 300.0)
    pdf = _Pdf(tmp_path, Scan(IMAGE, "", (region,)), size=(200, 400))
    assert pdf.has(text)
    if len(text) > 1:
        assert _is_near(pdf.place(text), region, 20)


@pytest.mark.parametrize(
    ("turn", "box"), [(90, (40, 60, 30, 300)), (180, (60, 40, 300, 30)), (270, (40, 60, 30, 300))]
)
def test_the_words_of_a_turned_page_are_found(turn: int, box: Place, tmp_path: Path) -> None:
    """At their places in the picture as it is. Of a page on its head pdfium finds single words."""
    scan = Scan(IMAGE, "", (Region("Total 64.50", *box),), width=400, height=400, turn=turn)
    pdf = _Pdf(tmp_path, scan)
    for word in words_of(scan.regions[0], turn):
        assert _is_near(pdf.place(word.text), word, 20)


@pytest.mark.parametrize(
    "scan",
    [
        Scan(IMAGE, "Total 64.50 of a text without regions"),
        Scan(IMAGE, "", (Region("flat", 10.0, 10.0, 0.0, 0.0),)),
        Scan(IMAGE, "", (Region("beyond", 900.0, 900.0, 50.0, 9.0),)),
    ],
)
@pytest.mark.parametrize("size", [None, (300, 400), (3000, 40)])
def test_a_text_without_a_place_is_found(
    scan: Scan, size: tuple[int, int] | None, tmp_path: Path
) -> None:
    """Somewhere on the page; a line without a pixel would be left out."""
    assert _Pdf(tmp_path, scan, size).has(scan.lines[0])


def test_all_strips_are_found_on_the_one_page(tmp_path: Path) -> None:
    """OCRmyPDF reads the first page only; so it lost all strips but the first."""
    frames = tuple(
        Frame(f"strip {row}", (Region(f"strip {row}", 20.0, 60.0 + 400 * row, 300.0, 30.0),))
        for row in range(5)
    )
    pdf = _Pdf(tmp_path, Scan(IMAGE, "strip 0", frames[0].regions, frames), size=(400, 2000))
    assert pdf.size == (400, 2000)
    for frame in frames:
        assert _is_near(pdf.place(frame.text), frame.regions[0], 20)


def test_an_empty_picture_is_an_empty_page(tmp_path: Path) -> None:
    """Not an error of the program that reads it."""
    assert _Pdf(tmp_path, Scan(IMAGE, ""), size=(30, 40)).text == ""
    assert _Pdf(tmp_path, Scan(IMAGE, "")).text == ""
