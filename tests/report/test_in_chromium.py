"""The report as a person meets it: in a browser, with pictures, words to look for, and no mouse."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aliocr import Region
from aliocr.job.output.result import Result
from aliocr.report.gallery import Embedded, Gallery, LeftOut, Linked
from aliocr.report.originals import FromSources
from tests.support.rows_read import failed, said, sample, written
from tests.support.truth import SAMPLES, TRUTH

pytest.importorskip("selenium", reason="needs selenium, of the extra dev")
pytest.importorskip("PIL", reason="needs Pillow, of the extra pictures")

from PIL import Image
from selenium.webdriver import Chrome, Keys

from tests.support.chromium import BROWSER, COLUMNS, DRIVER, Viewer, browser, check_numbers

pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None, reason="needs Debian's chromium and chromium-driver"
)

HALF_A_PIXEL = 0.5
"""Of the picture: what is left of a box's place on its way over the screen and back."""

BOXES = """
return [...document.querySelectorAll(".page")].map((page) => {
  const picture = page.querySelector("img");
  const shown = picture.getBoundingClientRect();
  const [, , width, height] = page.querySelector("svg").getAttribute("viewBox").split(" ");
  const scale = { x: width / shown.width, y: height / shown.height };
  return {
    size: [Number(width), Number(height)],
    loaded: picture.complete && picture.naturalWidth > 0,
    title: page.querySelector("h4")?.textContent,
    texts: [...page.querySelectorAll(".lines li")].map((line) => line.textContent),
    numbers: [...page.querySelectorAll(".tag text")].map((tag) => tag.textContent),
    boxes: [...page.querySelectorAll(".box rect")].map((box) => {
      const drawn = box.getBoundingClientRect();
      return {
        text: box.querySelector("title").textContent.split("\\n")[0],
        x: (drawn.left - shown.left) * scale.x,
        y: (drawn.top - shown.top) * scale.y,
        w: drawn.width * scale.x,
        h: drawn.height * scale.y,
      };
    }),
  };
});
"""

LIT = """
const texts = (selector) => [...document.querySelectorAll(selector)]
  .map((one) => one.textContent.split("\\n")[0]);
return [texts(".box.hot title"), texts("li.hot")];
"""

ROWS_SHOWN = """
return [...document.querySelectorAll(".entry:not([hidden]) .row")].map((row) => row.textContent)
"""

Open = Callable[..., None]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests, with a profile of its own."""
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def person(driver: Chrome) -> Iterator[Viewer]:
    """A viewer of reports; the browser must not complain meanwhile."""
    found = Viewer(driver)
    yield found
    assert found.complaints() == []


@pytest.fixture
def show(person: Viewer, tmp_path: Path) -> Open:
    """Writes a report and opens it."""

    async def write(rows: Iterable[Result], gallery: Gallery | None, limit: int) -> Path:
        async with FromSources() as originals:
            chosen = gallery or Embedded(originals)
            page, _ = await written(rows, tmp_path, chosen, limit=limit)
            return page

    def show(
        *rows: Result, gallery: Gallery | None = None, limit: int = 1000, **window: Any
    ) -> None:
        page = asyncio.run(write(rows, gallery, limit))
        person.visit(page.as_uri(), **window)
        person.wait_until("return 'built' in document.body.dataset")

    return show


def look(person: Viewer) -> None:
    """Bring every picture into view, one after the other, and wait for it to be drawn."""
    for sheet in person.find(".sheet"):
        person.run("arguments[0].scrollIntoView()", sheet)
        person.wait_until(
            "const [sheet] = arguments; return sheet.querySelector('img')?.complete"
            " && sheet.querySelector('svg').viewBox.baseVal?.width > 0",
            sheet,
        )


def search(person: Viewer, words: str) -> None:
    """Type this into the field and wait until it has been looked for."""
    person.run("const field = document.getElementById('query'); field.value = ''; field.focus()")
    person.press(words, Keys.ENTER)


def check(page: dict[str, Any], size: list[int], lines: list[dict[str, Any]]) -> None:
    """Boxes, tooltips, numbers and texts are where and what the lines of the picture are."""
    assert (page["size"], page["loaded"]) == (size, True)
    assert page["texts"] == [line["text"] for line in lines]
    assert page["numbers"] == [str(number) for number in range(1, len(lines) + 1)]
    for number, (box, line) in enumerate(zip(page["boxes"], lines, strict=True), 1):
        assert box["text"] == f"{number}. {line['text']}"
        for side in "xywh":
            assert box[side] == pytest.approx(line[side], abs=HALF_A_PIXEL), (line, side)


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("gallery", [None, Linked()], ids=["embedded", "linked"])
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize(
    "name",
    ["receipt_mixed.jpg", "small_en.png", "small_zh.png", "long_portrait.png", "blank_white.png"],
)
def test_boxes_stand_where_the_text_is(
    person: Viewer, show: Open, name: str, width: int, gallery: Gallery | None
) -> None:
    """On the screen, whatever the picture is scaled by; long pictures whole."""
    show(sample(name), gallery=gallery, width=width)
    look(person)
    (page,) = person.run(BOXES)
    check(page, TRUTH[name]["size"], TRUTH[name]["lines"])


@pytest.mark.parametrize("width", [360, 1200])
def test_numbers_hide_neither_text_nor_each_other(
    person: Viewer, show: Open, tmp_path: Path, width: int
) -> None:
    """Of close lines in two columns, on a phone, too, where a line is seven pixels high."""
    regions = tuple(Region(f"line {y}", x, y, w, h) for x, y, w, h in COLUMNS)
    Image.new("RGB", (900, 500), "white").save(tmp_path / "columns.png")
    show(said("a", regions=regions, source=str(tmp_path / "columns.png")), width=width)
    look(person)
    check_numbers(person)


def test_frames_have_their_own_pictures_and_boxes(person: Viewer, show: Open) -> None:
    """All that were read of a GIF, one after the other."""
    truth = TRUTH["anim4.gif"]
    show(sample("anim4.gif"))
    look(person)
    pages = person.run(BOXES)
    assert [page["title"] for page in pages] == [f"Frame {number} of 4" for number in range(1, 5)]
    for page, lines in zip(pages, truth["frames"], strict=True):
        check(page, truth["size"], lines)
    sources = person.run("return [...document.images].map((image) => image.src)")
    assert len(set(sources)) == 4


@pytest.mark.parametrize(("name", "frames"), [("anim4.gif", 4), ("long_portrait.png", 7)])
def test_a_picture_of_which_the_first_frame_was_read_says_so(
    person: Viewer, show: Open, name: str, frames: int
) -> None:
    """If no more was asked for; else an empty rest would look like a picture without text."""
    alone: dict[str, Any] = {"frames": (), "interval": None, "max_frames": None}
    small = sample("small_en.png", 3)
    show(sample(name, **alone), sample(name, 2, **alone | {"interval": 1}), small)
    said = person.run(
        "return [...document.querySelectorAll('.entry')].map("
        "(one) => one.querySelector('header .chip')?.textContent)"
    )
    assert said == [f"first of {frames} frames only", None, None]


def test_a_line_and_its_boxes_light_up_together(person: Viewer, show: Open) -> None:
    """From the list, from the picture, and by the arrow keys; a line of two pieces has two."""
    pieces = Region("one", 40, 60, 70, 20), Region("two", 200, 60, 70, 20)
    row = sample("small_en.png", regions=(*pieces, Region("three", 40, 120, 70, 20)))
    show(row)
    look(person)
    upper, lower = person.find(".lines li")
    person.point_at(upper)
    assert person.run(LIT) == [["1. one", "1. two"], ["one two"]]
    person.point_at(person.find(".box[data-line='1'] rect")[0])
    assert person.run(LIT) == [["2. three"], ["three"]]
    person.point_at(person.find("h2")[-1])
    assert person.run(LIT) == [[], []]
    person.run("arguments[0].focus()", upper)
    person.press(Keys.ARROW_DOWN)
    assert person.run(LIT) == [["2. three"], ["three"]]
    person.run("arguments[0].blur()", lower)
    assert person.run(LIT) == [[], []]


def test_a_thousand_pictures_are_loaded_as_they_come_into_view(
    person: Viewer, show: Open, tmp_path: Path
) -> None:
    """A few at first, a few at the end, and those in between are let go of."""
    rows = []
    for number in range(1, 1001):
        path = tmp_path / f"{number}.png"
        color = number % 250, number // 250, 200
        Image.new("RGB", (200, 160), color).save(path, compress_level=1)
        rows.append(said(f"picture {number}", number, source=str(path)))
    show(*rows)
    count = "return document.images.length"
    assert 1 <= person.run(count) < 30
    assert person.run("return document.querySelectorAll('.entry').length") == 1000
    bottom = "return innerHeight + scrollY >= document.documentElement.scrollHeight - 2"
    most = 0
    while not person.run(f"scrollBy(0, 8000); {bottom}"):
        most = max(most, person.run(count))
    assert most < 60
    person.wait_until(
        "const last = document.querySelector('.entry:last-child img');"
        "return last?.complete && last.naturalWidth === 200"
    )
    assert person.run(count) < 60
    assert person.run("return document.querySelector('.entry img').alt").startswith("The picture")
    assert not person.find(".entry:first-child img")


def test_a_picture_that_is_not_there_is_said_to_be_missing(person: Viewer, show: Open) -> None:
    """In its place, with the reason."""
    cut = said("a", source="https://example.com/a.png?…")
    show(cut, said("b", 2), sample("small_en.png", 3))
    first, second = person.texts(".pane .note")
    assert "without the query" in first
    assert "no longer exists" in second
    assert person.texts(".source") == [cut.source, "/nowhere/2.png", str(SAMPLES / "small_en.png")]
    assert not person.find("a.source")


def test_a_linked_picture_that_does_not_load_is_said_to_be_missing(
    person: Viewer, show: Open
) -> None:
    """Once the browser has tried."""
    show(said("a"), gallery=Linked())
    person.wait_until("return document.querySelector('.pane .note') !== null")
    assert person.texts(".pane .note") == [
        "No picture here: its address has no picture that a browser can show."
    ]
    assert all("ERR_FILE_NOT_FOUND" in each for each in person.complaints())


# --- words ----------------------------------------------------------------------------------------


def test_a_search_finds_a_word_and_hides_the_rest(person: Viewer, show: Open) -> None:
    """In texts, ids, sources and reasons; the hits are marked, in the picture too, and counted."""
    show(sample("small_en.png"), sample("receipt_mixed.jpg", 2, id="a-17"), failed(3))
    assert person.texts("#count") == [""]
    search(person, "COFFEE")
    assert person.run(ROWS_SHOWN) == ["2"]
    assert person.texts("#count") == ["1 hit in 1"]
    assert person.texts("mark") == ["Coffee"]
    person.wait_until("return document.querySelector('.box') !== null")
    assert person.run("return document.querySelector('.box.hit').dataset.line") == "0"
    search(person, "A-17")
    assert person.run(ROWS_SHOWN) == ["2"]
    search(person, "small_en")
    assert person.run(ROWS_SHOWN) == ["1"]
    search(person, "fast host")
    assert person.run(ROWS_SHOWN) == ["3"]
    search(person, "nothing of the kind")
    assert person.run(ROWS_SHOWN) == []
    assert "No row here contains “nothing of the kind”." in person.texts("#nothing")[0]
    search(person, "")
    assert person.run(ROWS_SHOWN) == ["1", "2", "3"]
    assert not person.find("mark, .box.hit")
    assert "".join(person.texts(".lines")) == "".join(
        line["text"]
        for name in ("small_en.png", "receipt_mixed.jpg")
        for line in TRUTH[name]["lines"]
    )


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("内容 安全", "容安", ["容 安"]),
        ("内容安全", "内容 安全", ["内容安全"]),
        ("第 02 条", "第02条", ["第 02 条"]),
        ("１２３ Ｃａｆé", "23 cafe\u0301", ["２３ Ｃａｆé"]),
        ("ﾊﾟﾝ", "パン", ["ﾊﾟﾝ"]),
        ("a  b", "a b", ["a  b"]),
        ("ab", "a b", []),
        ("5 ㎞ km", "km", ["㎞", "km"]),
        ("banana", "ANA", ["ana"]),
        ("a.c abc", "a.c", ["a.c"]),
        ("<b>&amp;", "&amp;", ["&amp;"]),
        ("𠮷野家", "𠮷 野", ["𠮷野"]),
    ],
)
def test_words_are_found_as_people_write_them(
    person: Viewer, show: Open, text: str, words: str, marked: list[str]
) -> None:
    """Capitals, full-width forms and blanks between Chinese characters make no difference."""
    show(said(text), gallery=LeftOut())
    field = (
        "const field = document.getElementById('query'); field.focus(); field.value = arguments[0]"
    )
    person.run(field, words)  # not typed: the driver knows no characters beyond 16 bits
    person.press(Keys.ENTER)
    assert person.texts("mark") == marked
    assert person.run("return document.querySelector('li').textContent") == text
    assert len(person.run(ROWS_SHOWN)) == bool(marked)


def test_the_text_is_there_for_the_browsers_own_search(person: Viewer, show: Open) -> None:
    """Also the text of rows that were never scrolled to."""
    show(*(said(f"word {number}.", number) for number in range(1, 301)), gallery=LeftOut())
    assert person.run("return window.find('word 299.')") is True
    person.wait_until("return scrollY > 2000")


def test_rows_are_filtered_by_what_became_of_them(person: Viewer, show: Open) -> None:
    """Read, without text, failed, and of which kind; the table of failures leads there too."""
    rows = said("a"), said("", 2, regions=()), failed(3), failed(4), failed(5, code=404)
    show(*rows, gallery=LeftOut())
    names = person.texts("#filters [data-filter]")
    assert names == [
        "All 5",
        "With text 1",
        "No text 1",
        "Failed 3",
        "592 DownloadError 2",
        "404 DownloadError 1",
    ]
    shown = []
    for button in person.find("#filters [data-filter]"):
        button.click()
        shown.append(person.run(ROWS_SHOWN))
    assert shown == [["1", "2", "3", "4", "5"], ["1"], ["2"], ["3", "4", "5"], ["3", "4"], ["5"]]
    table = [
        words.split("|") for words in person.texts("#failures-rows .num, #failures-rows .advice")
    ]
    assert table == [
        ["2"],
        ["592 slow: keep images on a fast hostRows 3 · 4"],
        ["1"],
        ["404 slow: keep images on a fast hostRow 5"],
    ]
    person.find("#failures-rows button")[0].click()
    assert person.run(ROWS_SHOWN) == ["3", "4"]
    assert person.texts("[data-filter][aria-pressed=true]") == ["592 DownloadError 2"]


def test_what_is_left_out_is_said(person: Viewer, show: Open) -> None:
    """Totals are of all rows; the command for the whole stands there."""
    show(*(said("a", row) for row in range(1, 1301)), gallery=LeftOut(), limit=10)
    assert len(person.run(ROWS_SHOWN)) == 10
    assert person.texts("#totals dd")[:2] == ["1,300", "1,300100.0 %"]
    assert person.texts("#pictures-words") == [
        "The first 10 of 1,300 rows. aliocr report out.jsonl --limit 1300 shows all rows."
    ]


def test_a_failure_far_down_is_shown_and_named(person: Viewer, show: Open) -> None:
    """Its kind leads to it; and one in thousands is neither none of them nor all are read."""
    rows = [said("a", row) for row in range(1, 5000)]
    show(*rows, failed(5000, code=404), gallery=LeftOut(), limit=10)
    assert person.texts("#totals dd")[1] == "4,999> 99.9 %"
    assert person.texts("#totals dd")[4] == "1< 0.1 %"
    assert person.texts("#pictures-words")[0].startswith(
        "The row that failed, and the first 9 of 4,999 that were read. aliocr report"
    )
    assert person.texts("#failures-rows .which") == ["Row 5,000"]
    person.find("#failures-rows button")[0].click()
    assert person.run(ROWS_SHOWN) == ["5,000"]


def test_numbers_in_the_totals_stand_below_each_other(person: Viewer, show: Open) -> None:
    """On a phone each share is below its number, and begins where that begins."""
    show(said("a"), failed(2), gallery=LeftOut(), width=360)
    starts = person.run(
        "return [...document.querySelectorAll('#totals dd:has(small)')].map((dd) =>"
        " dd.querySelector('small').getBoundingClientRect().left - dd.getBoundingClientRect().left)"
    )
    assert starts == [0, 0, 0]


# --- foreign text ---------------------------------------------------------------------------------


def test_nothing_that_was_read_becomes_markup(person: Viewer, show: Open) -> None:
    """Neither texts nor ids, sources, kinds or reasons; and if it did, it could do nothing."""
    evil = "</script><img src=x onerror=\"document.title='owned'\">"
    link = "javascript:document.title='owned'"
    show(
        said(
            evil,
            id=evil,
            source=evil,
            regions=(Region(evil, 0, 0, 9, 9), Region(evil, 0, 90, 9, 9)),
        ),
        said(link, 2, id=link, source=link),
        failed(3, kind=evil, error=evil, source=evil, code=evil),
        sample("small_en.png", 4, regions=(Region(evil, 41, 65, 72, 23),)),
    )
    search(person, "onerror")
    assert person.run(ROWS_SHOWN) == ["1", "3", "4"]
    search(person, "")
    assert evil in person.texts(".lines li")
    assert {evil, link} <= set(person.texts(".source"))
    assert not person.find("a.source, .entry script, .entry img[onerror]")
    assert person.run("return document.title") == "out.jsonl · aliocr report"
    refused = person.run(
        "try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; }"
    )
    assert refused == "TypeError"
    # That attempt is what the browser complains about, and nothing else.
    assert all("rusted" in each for each in person.complaints())
    person.run("window.violations = []")


def test_it_fetches_nothing(person: Viewer, show: Open) -> None:
    """Opening a page sends no request to any host."""
    url = "https://example.com/a.png?sign=…"
    show(sample("small_en.png"), said("a", 2, source=url))
    look(person)
    names = person.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert all(name.startswith("data:") for name in names)


# --- how it looks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 360, 720, 1600])
def test_it_fits_the_window(person: Viewer, show: Open, width: int) -> None:
    """Nothing to scroll sideways, with pictures, failures and hits on it."""
    names = "receipt_mixed.jpg", "small_zh.png", "anim4.gif"
    rows = [sample(name, row, id="long" * 60) for row, name in enumerate(names, 1)]
    show(*rows, failed(4, error=f"592 {'long' * 60}", source=f"/{'long' * 60}"), width=width)
    look(person)
    search(person, "e")
    wide, window = person.run(
        "const page = document.documentElement; return [page.scrollWidth, page.clientWidth]"
    )
    assert wide <= window


def test_it_is_dark_where_the_person_wants_it_dark(person: Viewer, show: Open) -> None:
    """Light letters on a dark page, and the other way round."""
    brightness: list[float] = []
    for dark in (False, True):
        show(said("a"), gallery=LeftOut(), dark=dark)
        for name in ("backgroundColor", "color"):
            color = person.run(f"return getComputedStyle(document.body).{name}")
            brightness.append(sum(map(int, color.strip("rgb()").split(","))) / 3)
    page_by_day, ink_by_day, page_by_night, ink_by_night = brightness
    assert min(page_by_day, ink_by_night) > 200
    assert max(page_by_night, ink_by_day) < 60


def test_it_can_be_used_without_a_mouse(person: Viewer, show: Open) -> None:
    """A key for the search, another for the next hit; every control has a name."""
    show(*(said(f"word {row}", row) for row in range(1, 41)), gallery=LeftOut())
    person.press(Keys.TAB)
    assert person.run("return document.activeElement.className") == "skip"
    person.press("/")
    assert person.run("return document.activeElement.id") == "query"
    person.press("word", Keys.ENTER)
    person.wait_until("return scrollY > 0")
    before = person.run("return scrollY")
    person.press(Keys.ENTER)
    person.wait_until(f"return scrollY > {before}")
    names = person.run(
        "return [...document.querySelectorAll('button, a, input')]"
        ".map((one) => one.ariaLabel ?? one.textContent.trim())"
    )
    assert all(names)


def test_on_paper_all_pictures_are_there(person: Viewer, show: Open, tmp_path: Path) -> None:
    """Also pictures that were never scrolled to."""
    rows = []
    for number in range(1, 41):
        Image.new("RGB", (200, 160), (5 * number, 90, 200)).save(tmp_path / f"{number}.png")
        rows.append(said("a", number, source=str(tmp_path / f"{number}.png")))
    show(*rows)
    assert person.run("return document.images.length") < 20
    paper = person.command("Page.printToPDF", {"printBackground": True})["data"]
    assert base64.b64decode(paper).count(b"/Subtype /Image") >= len(rows)


def test_no_rows_are_a_page_too(person: Viewer, show: Open) -> None:
    """Of a job that has just begun."""
    show()
    assert person.texts("#nothing") == ["No rows yet."]
    assert person.texts("#totals dd") == ["0", "0", "0", "0", "0"]
