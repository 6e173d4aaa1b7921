"""Searchable PDFs, as pdfium and pdftotext read them."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import pytest

from aliocr import Frame, Region
from aliocr.export.formats import ExportError
from aliocr.job.output.result import Read
from aliocr.text.geometry import turned
from tests.support.book import Place, book, pages_of_book
from tests.support.rows_read import failed, said, sample
from tests.support.truth import TRUTH

pytest.importorskip("pikepdf")
pytest.importorskip("pypdfium2", reason="the extra consumers brings it")
pictures = pytest.importorskip("PIL.Image")

pytestmark = pytest.mark.consumers

PDFTOTEXT = shutil.which("pdftotext")
RED = (255, 0, 0)
LINES = (Region("Total 64.50", 60, 40, 120, 24), Region("发票 合计", 60, 90, 90, 24))
SIZE = (300, 200)
POINTS = 72 / 150
"""Size of a pixel on a page whose picture has no resolution."""


def _poppler(path: Path, *options: str) -> str:
    assert PDFTOTEXT
    done = subprocess.run(
        [PDFTOTEXT, *options, path, "-"], capture_output=True, text=True, check=True
    )
    return done.stdout


def _picture(mode: str = "RGB") -> Any:
    """A white picture with a red corner at the upper left."""
    picture = pictures.new("RGB", SIZE, "white")
    picture.paste(RED, (0, 0, 40, 40))
    return picture.convert(mode)


def _row(path: Path, **changes: Any) -> Read:
    fields: dict[str, Any] = {"row": 1, "source": str(path), "text": "", "regions": LINES}
    return Read(**(fields | changes))


def _near(place: Place, region: Region, reach: float = 3) -> bool:
    edges = (region.x, region.y, region.x + region.w, region.y + region.h)
    return all(abs(at - edge * POINTS) <= reach for at, edge in zip(place, edges, strict=True))


def _is_red(pixel: tuple[int, ...]) -> bool:
    return pixel[0] > 200 and max(pixel[1:]) < 90


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_each_line_of_a_sample_is_found(name: str, tmp_path: Path) -> None:
    """By search, in reading order; a frame of a GIF is a page, all strips are one."""
    row = sample(name)
    assert isinstance(row, Read)
    path, tally = book(tmp_path, [row])
    frames = TRUTH[name]["frames"] if name.endswith(".gif") else [TRUTH[name]["lines"]]
    pages = pages_of_book(path)
    assert [page.lines for page in pages] == [[line["text"] for line in page] for page in frames]
    assert (tally.written, tally.unread, dict(tally.remarks)) == (len(pages), 0, {})
    if PDFTOTEXT:
        lines = [line for line in _poppler(path).replace("\f", "").split("\n") if line]
        assert lines == [line["text"] for page in frames for line in page]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_upright_and_not_coded_again(orientation: int, tmp_path: Path) -> None:
    """Whatever its EXIF orientation; the bytes of the JPEG are those of the file."""
    from aliocr.pictures.upright import UPRIGHT

    stored = _picture()
    backward = {
        6: pictures.Transpose.ROTATE_90,
        8: pictures.Transpose.ROTATE_270,
    }
    if orientation in UPRIGHT:
        stored = stored.transpose(backward.get(orientation, UPRIGHT[orientation]))
    exif = pictures.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.jpg", exif=exif)
    path, _ = book(tmp_path, [_row(tmp_path / "a.jpg")])
    (page,) = pages_of_book(path)
    assert page.size == pytest.approx((SIZE[0] * POINTS, SIZE[1] * POINTS))
    assert _is_red(page.corner)
    assert all(_near(page.places[region.text], region) for region in LINES)
    assert (tmp_path / "a.jpg").read_bytes() in path.read_bytes()


@pytest.mark.parametrize(
    ("name", "mode", "coloured"),
    [
        *(("a.png", mode, mode in ("RGB", "P", "RGBA")) for mode in ("1", "L", "P", "RGB", "RGBA")),
        *(("a.png", "LA", False), ("a.png", "I;16", False)),
        *(("a.jpg", "L", False), ("a.jpg", "CMYK", True)),
        *((f"a.{suffix}", "RGB", True) for suffix in ("bmp", "webp", "gif")),
    ],
)
def test_each_kind_of_picture_is_shown(
    name: str, mode: str, coloured: bool, tmp_path: Path
) -> None:
    """In its colours, and upright."""
    _picture(mode).save(tmp_path / name)
    (page,) = pages_of_book(book(tmp_path, [_row(tmp_path / name)])[0])
    assert page.lines == [region.text for region in LINES]
    if coloured:
        assert page.corner[0] > 200
        assert max(page.corner[1:]) < 90
    else:
        assert max(page.corner) - min(page.corner) < 9
        assert page.corner != (255, 255, 255)


def test_a_jpeg_without_its_end_is_shown(tmp_path: Path) -> None:
    """Its end is put behind it."""
    _picture().save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-2])
    path, _ = book(tmp_path, [_row(tmp_path / "a.jpg")])
    (page,) = pages_of_book(path)
    assert _is_red(page.corner)
    assert (tmp_path / "a.jpg").read_bytes() + b"\xff\xd9" in path.read_bytes()


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_is_shown_upright(turn: int, tmp_path: Path) -> None:
    """The picture is turned, and the text lies over it as on the upright one."""
    _picture().rotate(turn, expand=True).save(tmp_path / "a.png")
    width, height = SIZE if turn == 180 else SIZE[::-1]
    dx, dy = {90: (0, SIZE[0]), 180: SIZE, 270: (SIZE[1], 0)}[turn]
    lying = tuple(
        attrs.evolve(each, x=each.x + dx, y=each.y + dy)
        for each in (turned(region, 360 - turn) for region in LINES)
    )
    row = _row(tmp_path / "a.png", regions=lying, turn=turn, width=width, height=height)
    (page,) = pages_of_book(book(tmp_path, [row])[0])
    assert page.size == pytest.approx((SIZE[0] * POINTS, SIZE[1] * POINTS))
    assert _is_red(page.corner)
    assert page.lines == [region.text for region in LINES]
    assert all(_near(page.places[region.text], region) for region in LINES)


def test_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    """However narrow the gutter: by pdfium, and by pdftotext in the order of the file."""
    columns = tuple(
        Region(f"{side} {row} of the prose", x, 20 + 30 * row, 190, 22)
        for row in range(12)
        for side, x in (("left", 20), ("right", 222))
    )
    path, _ = book(tmp_path, [said("", regions=columns)])
    wanted = [*(each.text for each in columns[::2]), *(each.text for each in columns[1::2])]
    assert pages_of_book(path)[0].lines == wanted
    if PDFTOTEXT:
        assert [line for line in _poppler(path, "-raw").split("\n") if line.strip()] == wanted


def test_vertical_columns_are_found_in_their_order(tmp_path: Path) -> None:
    """The right one first; each as high as its region."""
    columns = tuple(
        Region(text, 220 - 60 * at, 20, 30, 160)
        for at, text in enumerate(["春眠不觉晓", "处处闻啼鸟", "夜来风雨声"])
    )
    _picture().save(tmp_path / "a.png")
    (page,) = pages_of_book(book(tmp_path, [_row(tmp_path / "a.png", regions=columns)])[0])
    assert page.lines == [region.text for region in columns]
    assert all(_near(page.places[region.text], region) for region in columns)


@pytest.mark.parametrize(
    "text",
    ["𠮷野家 😀 x", "café", "नमस्ते", "ไทย", "Ⅷ ½", "한국어", "a\u200bb\x07c", "«» — …"],
)
def test_any_text_is_found(text: str, tmp_path: Path) -> None:
    """Beyond the first 65,536 characters, with marks, without what cannot be seen."""
    from aliocr.export.wording import legible

    (page,) = pages_of_book(book(tmp_path, [said(text, regions=(Region(text, 9, 9, 90, 20),))])[0])
    assert page.lines == [legible(text)]


@pytest.mark.skipif(not PDFTOTEXT, reason="pdftotext is not installed")
@pytest.mark.parametrize("text", ["שלום עולם", "مرحبا بالعالم", "Total שלום 64"])
def test_text_from_right_to_left_keeps_its_letters(text: str, tmp_path: Path) -> None:
    """Each word is found as it is read."""
    path, _ = book(tmp_path, [said(text, regions=(Region(text, 9, 9, 190, 20),))])
    assert set(text.split()) <= set(re.sub("[\u202a-\u202e]", " ", _poppler(path)).split())


def test_words_that_touch_each_other_stay_words(tmp_path: Path) -> None:
    """The blank of the line is between them, though no gap is."""
    pair = (Region("Total", 60, 40, 60, 24), Region("64.50", 120, 40, 60, 24))
    (page,) = pages_of_book(book(tmp_path, [said("", regions=pair)])[0])
    assert page.lines == ["Total 64.50"]


def test_a_page_without_its_picture_shows_the_text(tmp_path: Path) -> None:
    """Drawn, and found; the reasons are counted."""
    _picture().save(tmp_path / "a.png")
    (tmp_path / "damaged.png").write_bytes((tmp_path / "a.png").read_bytes()[:30])
    (tmp_path / "no.png").write_bytes(b"<html>")
    far = (Region("far", 900, 20, 90, 20),)
    rows = [
        _row(Path("https://example.com/a.png?…")),
        _row(Path("gone.png"), regions=(), text="a text\nwithout places " + "发票" * 60),
        _row(tmp_path / "no.png"),
        _row(tmp_path / "a.png", regions=far),
        _row(tmp_path / "a.png", width=600, height=400),
        failed(),
    ]
    path, tally = book(tmp_path, rows)
    pages = pages_of_book(path)
    assert [page.lines[0] for page in pages] == [
        "Total 64.50",
        "a text",
        "Total 64.50",
        "far",
        "Total 64.50",
    ]
    assert pages[4].size == pytest.approx((600 * POINTS, 400 * POINTS))
    assert not any(_is_red(page.corner) for page in pages)
    assert (tally.written, tally.unread) == (5, 1)
    reasons = {
        remark.removeprefix("drawn as text; ")[:15]: n for remark, n in tally.remarks.items()
    }
    assert reasons == {"no picture on t": 2, "the picture can": 1, "the picture is ": 2}


def test_the_picture_of_a_url_is_taken_from_the_folder_that_is_given(tmp_path: Path) -> None:
    """By its name; nothing is downloaded."""
    (tmp_path / "given").mkdir()
    _picture().save(tmp_path / "given" / "a.png", dpi=(300, 300))
    row = _row(Path("x"), source="https://example.com/shop/a.png?…")
    path, tally = book(tmp_path, [row], tmp_path / "given")
    (page,) = pages_of_book(path)
    assert _is_red(page.corner)
    assert page.size == pytest.approx((SIZE[0] * 72 / 300, SIZE[1] * 72 / 300), abs=0.1)
    assert not tally.remarks


@pytest.mark.parametrize(
    ("size", "points"), [((1, 40_000), 14_400), ((29_000, 2), 29_000 * POINTS)]
)
def test_no_page_is_too_large_for_a_pdf(
    size: tuple[int, int], points: float, tmp_path: Path
) -> None:
    """14,400 points are the most."""
    row = said("a", width=size[0], height=size[1])
    (page,) = pages_of_book(book(tmp_path, [row])[0])
    assert max(page.size) == pytest.approx(points, abs=1)
    assert min(page.size) >= 3


def test_frames_that_were_not_read_are_no_pages(tmp_path: Path) -> None:
    """And a frame that cannot be decoded is drawn."""
    row = sample("anim4.gif")
    assert isinstance(row, Read)
    part = attrs.evolve(row, frames=tuple(islice(row.frames, 2)), max_frames=2, interval=2)
    assert len(pages_of_book(book(tmp_path, [part])[0])) == 2
    more = attrs.evolve(row, frames=(*row.frames, Frame("", (Region("five", 9, 9, 60, 20),))))
    path, tally = book(tmp_path, [more])
    assert pages_of_book(path)[-1].lines == ["five"]
    assert list(tally.remarks.values()) == [1]


def test_many_pages_are_written_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, with a bookmark for each picture; no temporary file remains."""
    from aliocr.export import pdf_file

    monkeypatch.setattr(pdf_file, "PART_PAGES", 3)
    rows = [said(f"页 {number}", number, id=f"id {number}") for number in range(1, 9)]
    path, _ = book(tmp_path, rows)
    assert [page.lines for page in pages_of_book(path)] == [[f"页 {n}"] for n in range(1, 9)]
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        marks = [(mark.get_title(), mark.get_dest().get_index()) for mark in document.get_toc()]
        assert document.get_metadata_value("Title") == "book"
    assert marks == [(f"id {number}", number - 1) for number in range(1, 9)]
    assert [each.name for each in tmp_path.iterdir()] == ["book.pdf"]
    assert path.read_bytes() == book(tmp_path, rows)[0].read_bytes()


def test_a_book_without_a_page_is_refused(tmp_path: Path) -> None:
    """Viewers open no such PDF; an earlier one stays."""
    (tmp_path / "book.pdf").write_bytes(b"old")
    with pytest.raises(ExportError, match="no picture was read"):
        book(tmp_path, [failed()])
    assert (tmp_path / "book.pdf").read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["book.pdf"]


def test_the_font_file_is_what_its_program_makes() -> None:
    """So that anybody can make it anew."""
    pytest.importorskip("fontTools")
    from aliocr.export import glyphless
    from tests.support.glyphless import font_file

    assert Path(glyphless.__file__).with_suffix(".ttf").read_bytes() == font_file()
