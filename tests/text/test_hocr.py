"""hOCR as other programs read it."""

from __future__ import annotations

import re
from itertools import pairwise
from math import inf, nan
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr import APIError, Failure, Frame, Image, OCRError, Region, Scan, Unread, to_hocr
from aliocr.job.output.result import Read
from aliocr.pictures.frames import chosen_frames, strip_span, total_frames
from aliocr.text.geometry import turned

IMAGE = Image("https://me:geheim@example.com/a.png?Signature=geheim")
LENGTHS = st.floats(-50, 3_000, allow_nan=False) | st.sampled_from([1e308, -1e308, inf, -inf, nan])
REGIONS = st.lists(
    st.builds(
        Region,
        text=st.text(max_size=10),
        x=LENGTHS,
        y=LENGTHS,
        w=LENGTHS,
        h=LENGTHS,
    ),
    max_size=10,
).map(tuple)

Box = tuple[int, int, int, int]


def _parsed(document: str) -> ET.Element:
    """By a strict parser of XML, from bytes as a file has them."""
    return ET.fromstring(document.encode())  # noqa: S314 - it is ours


def _of(root: ET.Element, kind: str) -> list[ET.Element]:
    return [element for element in root.iter() if element.get("class") == kind]


def _box(element: ET.Element) -> Box:
    found = re.search(r"bbox (\d+) (\d+) (\d+) (\d+)(?:;|$)", element.get("title", ""))
    assert found is not None
    left, top, right, bottom = map(int, found.groups())
    return left, top, right, bottom


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer[0] <= inner[0] < inner[2] <= outer[2] and outer[1] <= inner[1] < inner[3] <= outer[3]
    )


def _checked(document: str) -> ET.Element:
    """A document that keeps what the specification asks."""
    root = _parsed(document)
    assert root.tag == "{http://www.w3.org/1999/xhtml}html"
    metas = {
        element.get("name"): element.get("content")
        for element in root.iter()
        if element.get("name")
    }
    assert str(metas["ocr-system"]).startswith("aliocr ")
    kinds = {element.get("class") for element in root.iter() if element.get("class")}
    assert kinds <= set(str(metas["ocr-capabilities"]).split())
    pages = _of(root, "ocr_page")
    assert metas["ocr-number-of-pages"] == str(len(pages))
    identities = [element.get("id") for element in root.iter() if element.get("class")]
    assert len(set(identities)) == len(identities)
    for number, page in enumerate(pages):
        assert re.fullmatch(
            r'image "[^"]*"; bbox 0 0 \d+ \d+; ppageno \d+', page.get("title", ""), re.DOTALL
        )
        assert f"ppageno {number}" in page.get("title", "")
        for outer, inner in pairwise(("ocr_page", "ocr_carea", "ocr_par", "ocr_line", "ocrx_word")):
            for element in _of(page, outer):
                for part in _of(element, inner):
                    assert _holds(_box(element), _box(part))
            inside = [part for element in _of(page, outer) for part in _of(element, inner)]
            assert inside == _of(page, inner), f"an {inner} is outside of each {outer}"
        for word in _of(page, "ocrx_word"):
            assert word.text
            assert not re.search(r"\s", word.text.strip())
    return root


def test_lines_and_words_have_boxes() -> None:
    """In reading order; a word has its share of its piece, Chinese letters count double."""
    regions = (
        Region("4.50", 300.4, 12.0, 40.2, 20.0),
        Region("Latte 小计 ab", 10.0, 10.0, 120.0, 20.0),
        Region("Total", 10.0, 50.0, 50.0, 20.0),
    )
    root = _checked(to_hocr(Scan(IMAGE, "", regions), size=(400, 100)))
    (page,) = _of(root, "ocr_page")
    assert page.get("title") == 'image "https://…@example.com/a.png?…"; bbox 0 0 400 100; ppageno 0'
    first, second = _of(page, "ocr_line")
    assert _box(first) == (10, 10, 341, 32)
    assert [(word.text, _box(word)) for word in _of(first, "ocrx_word")] == [
        ("Latte", (10, 10, 57, 30)),
        ("小计", (65, 10, 103, 30)),
        ("ab", (111, 10, 130, 30)),
        ("4.50", (300, 12, 341, 32)),
    ]
    assert [word.text for word in _of(second, "ocrx_word")] == ["Total"]


def test_boxes_are_kept_in_the_picture() -> None:
    """Clipped to its size; unless that is told, a page is what its pieces fill."""
    scan = Scan(IMAGE, "", (Region("over the edge", -5.0, 90.0, 300.0, 30.0),))
    (line,) = _of(_checked(to_hocr(scan, size=(200, 100))), "ocr_line")
    assert _box(line) == (0, 90, 200, 100)
    (page,) = _of(_checked(to_hocr(scan)), "ocr_page")
    assert _box(page) == (0, 0, 295, 120)


def test_what_is_no_place_hides_no_other() -> None:
    """A region that is nowhere, or has no end, keeps its text; the others keep their boxes."""
    good = Region("here", 10.0, 20.0, 30.0, 40.0)
    for odd in (
        Region("odd", 1e308, 20.0, 1e308, 40.0),
        Region("odd", nan, nan, nan, nan),
        Region("odd", -inf, 20.0, inf, 40.0),
    ):
        root = _checked(to_hocr(Scan(IMAGE, "", (odd, good)), size=(100, 100)))
        boxes = {word.text: _box(word) for word in _of(root, "ocrx_word")}
        assert boxes["here"] == (10, 20, 40, 60)
        assert "odd" in boxes


def test_words_of_a_tall_region_lie_one_below_the_other() -> None:
    """Vertical or turned text has the full width, and its line the angle; a letter is no line."""
    regions = (
        Region("春眠 不觉", 300.0, 10.0, 30.0, 180.0),
        Region("Total 64.5", 100.0, 10.0, 20.0, 200.0),
        Region("1", 10.0, 10.0, 10.0, 30.0),
    )
    root = _checked(to_hocr(Scan(IMAGE, "", regions), size=(400, 300)))
    boxes = {word.text: _box(word) for word in _of(root, "ocrx_word")}
    assert (boxes["春眠"], boxes["不觉"]) == ((300, 10, 330, 90), (300, 110, 330, 190))
    assert (boxes["Total"], boxes["64.5"]) == ((100, 10, 120, 110), (100, 130, 120, 210))
    for region in regions:
        root = _checked(to_hocr(Scan(IMAGE, "", (region,)), size=(400, 300)))
        (line,) = _of(root, "ocr_line")
        assert ("textangle 270" in line.get("title", "")) is (region.text != "1")


def test_a_column_is_an_area() -> None:
    """So that a program that keeps blocks together keeps columns together."""
    regions = tuple(
        Region(f"{side} line {row} of the column", x, 20.0 + 40 * row, 400.0, 30.0)
        for side, x in (("left", 10.0), ("right", 500.0))
        for row in range(8)
    )
    root = _checked(to_hocr(Scan(IMAGE, "", regions), size=(1000, 400)))
    boxes = [_box(area) for area in _of(root, "ocr_carea")]
    assert boxes == [(10, 20, 410, 330), (500, 20, 900, 330)]
    assert [_box(paragraph) for paragraph in _of(root, "ocr_par")] == boxes


def test_no_word_is_without_a_pixel() -> None:
    """A region of no size, or beside the page, is drawn by nobody."""
    flat = (Region("flat", 10.0, 10.0, 0.0, 0.0), Region("beyond", 500.0, 500.0, 90.0, 9.0))
    root = _checked(to_hocr(Scan(IMAGE, "", flat), size=(100, 100)))
    assert [word.text for word in _of(root, "ocrx_word")] == ["flat", "beyond"]
    _checked(to_hocr(Scan(IMAGE, "")))


SIDES = [(800, 2010), (600, 2400), (300, 5000), (2400, 600), (5000, 310)]


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("interval", [1, 2, 3])
@pytest.mark.parametrize("known", [True, False])
def test_strips_are_one_page(sides: tuple[int, int], interval: int, known: bool) -> None:
    """As large as the picture, with each line where it is in the whole picture."""
    total = total_frames(*sides)
    high = sides[1] > sides[0]
    frames = []
    for number in chosen_frames(total, interval=interval, max_frames=100):
        start, end = strip_span(number, max(sides), total)
        spots = [(30.0, start + 2.0), (40.0, end - 22.0)]
        spots = spots if high else [(start + 2.0, 30.0), (end - 62.0, 80.0)]
        regions = tuple(Region(f"{number}-{at}", *spot, 60, 20) for at, spot in enumerate(spots))
        frames.append(Frame(" ".join(region.text for region in regions), regions))
    scan = Scan(IMAGE, frames[0].text, frames[0].regions, tuple(frames))
    root = _checked(to_hocr(scan, size=sides if known else None))
    assert [_box(page)[2:] for page in _of(root, "ocr_page")][1:] == []
    boxes = {word.text: _box(word) for word in _of(root, "ocrx_word")}
    for region in (region for frame in frames for region in frame.regions):
        left, top = int(region.x), int(region.y)
        assert boxes[region.text] == (left, top, left + 60, top + 20)


@pytest.mark.parametrize(
    ("size", "source"),
    [
        (None, "https://example.com/a.gif?x=1"),  # text moves down: its name tells
        ((480, 270), "https://example.com/a"),  # no long picture
    ],
)
def test_frames_of_a_gif_are_pages(size: tuple[int, int] | None, source: str) -> None:
    """Wherever their texts are."""
    frames = tuple(Frame("hi", (Region("hi", 9.0, 110.0 * row, 40.0, 20.0),)) for row in range(3))
    root = _checked(to_hocr(Scan(Image(source), "hi", frames=frames), size=size))
    assert len(_of(root, "ocr_page")) == 3
    still = tuple(Frame(text, (Region(text, 9.0, 200.0, 90.0, 20.0),)) for text in "abc")
    assert len(_of(_checked(to_hocr(Scan(IMAGE, "a", frames=still))), "ocr_page")) == 3


def test_each_frame_is_a_page() -> None:
    """In order, each with what it says."""
    frames = (Frame("one", (Region("one", 1.0, 1.0, 9.0, 9.0),)), Frame("two"))
    root = _checked(to_hocr(Scan(IMAGE, "one", frames=frames), size=(50, 40)))
    texts = [[word.text for word in _of(page, "ocrx_word")] for page in _of(root, "ocr_page")]
    assert texts == [["one"], ["two"]]
    assert _box(_of(root, "ocr_line")[1]) == (0, 0, 50, 40)  # it has no place of its own


def test_no_key_to_an_image_is_written() -> None:
    """Neither the query of its URL nor a password in it."""
    assert "geheim" not in to_hocr(Scan(IMAGE, "text"))


def test_a_row_of_an_output_and_a_title_of_ones_own() -> None:
    """A row is known by its source, unless told otherwise; names are quoted."""
    row = Read(row=1, source='sub/a "b" <c>.png', text="hello")
    root = _checked(to_hocr(row))
    (page,) = _of(root, "ocr_page")
    assert 'image "sub/a %22b%22 <c>.png"' in page.get("title", "")
    root = _checked(to_hocr(row, title="a & b"))
    assert root.findtext(".//{http://www.w3.org/1999/xhtml}title") == "a & b"


def test_a_failure_has_no_page() -> None:
    """Its error says why; a row of an output has the message of the error."""
    error = APIError(580, "no", maybe_charged=True)
    with pytest.raises(APIError) as caught:
        to_hocr(Failure(IMAGE, error))
    assert caught.value is error
    with pytest.raises(OCRError, match="580 no") as again:
        to_hocr(Unread(row=1, source="a", kind="APIError", error="580 no", transient=True))
    assert (again.value.transient, again.value.maybe_charged) == (True, False)


def test_what_xml_cannot_hold_is_left_out() -> None:
    """Control characters and halves of characters; markup is text."""
    text = 'a\x00b\x1b[31m\ud800 <script>&"\ufffe'
    root = _checked(to_hocr(Scan(IMAGE, text, (Region(text, 0.0, 0.0, 90.0, 9.0),))))
    assert [word.text for word in _of(root, "ocrx_word")] == ["ab[31m", '<script>&"']


def test_an_empty_picture_is_an_empty_page() -> None:
    """And still a document."""
    root = _checked(to_hocr(Scan(IMAGE, "")))
    assert len(_of(root, "ocr_page")) == 1
    assert _of(root, "ocr_line") == []


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (10,)])
def test_a_size_that_cannot_be_is_refused(size: tuple[int, int]) -> None:
    """The message says it."""
    with pytest.raises(ValueError, match="size must be a width and a height"):
        to_hocr(Scan(IMAGE, ""), size=size)


@given(REGIONS, st.none() | st.tuples(st.integers(1, 2000), st.integers(1, 2000)), st.text())
def test_whatever_was_read_is_a_document(
    regions: tuple[Region, ...], size: tuple[int, int] | None, title: str
) -> None:
    """Any texts, any boxes, any name: well-formed, boxes within boxes, no word lost."""
    text = " ".join(region.text for region in regions)
    root = _checked(to_hocr(Scan(IMAGE, text, regions), size=size, title=title))
    words = sum(
        bool(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", word))
        for region in regions
        for word in region.text.split()
    )
    assert len(_of(root, "ocrx_word")) == words


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_is_read_as_the_upright_one(turn: int) -> None:
    """The words in the same order, at their places in the picture as it is; lines have the angle.

    In hOCR an angle is against the clock, and the picture is turned clockwise to be upright: so the
    lines lie at this angle. A line that runs down the upright page lies at another quarter.
    """
    upright = (
        Region("Total 64.50", 100.0, 10.0, 200.0, 20.0),
        Region("春眠", 10.0, 10.0, 30.0, 90.0),
    )
    size = (400, 300) if turn == 180 else (300, 400)
    dx, dy = {90: (0, 400), 180: (400, 300), 270: (300, 0)}[turn]
    lying = tuple(
        Region(each.text, each.x + dx, each.y + dy, each.w, each.h)
        for each in (turned(region, 360 - turn) for region in upright)
    )
    scan = Scan(IMAGE, "", lying, width=size[0], height=size[1], turn=turn)
    root = _checked(to_hocr(scan))
    words = [(word.text, _box(word)) for word in _of(root, "ocrx_word")]
    plain = _checked(to_hocr(Scan(IMAGE, "", upright), size=(400, 300)))
    for (text, box), word in zip(words, _of(plain, "ocrx_word"), strict=True):
        left, top, right, bottom = _box(word)
        expected = turned(Region("", left, top, right - left, bottom - top), 360 - turn)
        assert text == word.text
        assert abs(box[0] - expected.x - dx) <= 1
        assert abs(box[1] - expected.y - dy) <= 1
    said = [re.search(r"textangle (\d+)", line.get("title", "")) for line in _of(root, "ocr_line")]
    angles = [int(angle[1]) if angle else 0 for angle in said]
    assert sorted(angles) == sorted([turn, (turn + 270) % 360])


def test_a_page_is_as_large_as_its_picture_if_that_is_known() -> None:
    """Of a picture that was read on this machine."""
    root = _checked(to_hocr(Scan(IMAGE, "a", (Region("a", 1, 1, 9, 9),), width=640, height=480)))
    assert [_box(page)[2:] for page in _of(root, "ocr_page")] == [(640, 480)]
