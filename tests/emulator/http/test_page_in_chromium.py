"""The landing page in a real browser, with pictures dropped on it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aliocr.emulator import Emulator
from tests.support.asking import ask
from tests.support.truth import SAMPLES, TRUTH, squeezed

pytest.importorskip("selenium", reason="needs selenium, of the extra dev")
pytest.importorskip("rapidocr", reason="needs an engine, of the extra emulator")

from PIL import Image
from selenium.webdriver import Chrome, Keys

from aliocr.emulator.engine import RapidOCREngine, Recognized
from tests.support.chromium import BROWSER, COLUMNS, DRIVER, browser, check_numbers
from tests.support.person import Person

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        BROWSER is None or DRIVER is None, reason="needs Debian's chromium and chromium-driver"
    ),
]

EDGE_PIXELS = 14
"""Engines draw their boxes up to 9 pixels around the ink, and 5 more where a line is found a little
slanted (see test_engine); a box of the wrong line is 60 off, one at the wrong scale further."""

RIGHT_EDGE_PIXELS = 20
"""Where a line ends in a full-width mark, which is blank for more than half of its width, the box
may end before the blank."""

BOXES = """
return [...document.querySelectorAll(".page")].map((page) => {
  const shown = page.querySelector("img").getBoundingClientRect();
  const [, , width, height] = page.querySelector("svg").getAttribute("viewBox").split(" ");
  const scale = { x: width / shown.width, y: height / shown.height };
  return {
    size: [Number(width), Number(height)],
    loaded: page.querySelector("img").naturalWidth > 0,
    lines: [...page.querySelectorAll(".box")].map((box) => {
      const drawn = box.querySelector("rect").getBoundingClientRect();
      return {
        text: box.dataset.text,
        tooltip: box.querySelector("title").textContent,
        x: (drawn.left - shown.left) * scale.x,
        y: (drawn.top - shown.top) * scale.y,
        w: drawn.width * scale.x,
        h: drawn.height * scale.y,
      };
    }),
    rows: [...page.querySelectorAll(".lines tbody tr")].map(
      (row) => [...row.cells].map((cell) => cell.textContent)),
  };
});
"""


class Columns:
    """An engine that finds two columns of close lines in any picture."""

    def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:  # noqa: ARG002
        """Return the lines that `check_numbers` expects."""
        return tuple(Recognized(f"line {y}", x, y, w, h, 1.0) for x, y, w, h in COLUMNS)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests, with its own profile."""
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def person(driver: Chrome) -> Iterator[Person]:
    """A visitor of the page; the browser must log no error meanwhile."""
    found = Person(driver)
    yield found
    assert found.complaints() == []


@pytest.fixture(scope="module")
def reading() -> Iterator[Emulator]:
    """An emulator with the real engine, for all tests that change nothing."""
    with Emulator(RapidOCREngine) as emulator:
        yield emulator


@pytest.fixture
def scripted() -> Iterator[Emulator]:
    """An emulator without an engine, for one test."""
    with Emulator() as emulator:
        yield emulator


def check(page: dict[str, Any], size: list[int], lines: list[dict[str, Any]]) -> None:
    """Check that boxes, tooltips and table show the lines of the picture, in order."""
    assert (page["size"], page["loaded"]) == (size, True)
    assert [squeezed(box["text"]) for box in page["lines"]] == [
        squeezed(line["text"]) for line in lines
    ]
    for number, (box, line) in enumerate(zip(page["lines"], lines, strict=True), 1):
        assert box["x"] == pytest.approx(line["x"], abs=EDGE_PIXELS)
        assert box["y"] == pytest.approx(line["y"], abs=EDGE_PIXELS)
        assert box["y"] + box["h"] == pytest.approx(line["y"] + line["h"], abs=EDGE_PIXELS)
        right = line["x"] + line["w"]
        assert box["x"] + box["w"] == pytest.approx(right, abs=RIGHT_EDGE_PIXELS)
        assert box["tooltip"].startswith(f"{number}. {box['text']}\n")
        row = page["rows"][number - 1]
        assert row[:2] == [str(number), box["text"]]
        drawn = [box[name] for name in "xywh"]
        assert [int(cell) for cell in row[2:]] == pytest.approx(drawn, abs=1)


# --- a picture is dropped -------------------------------------------------------------------------


@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize("name", ["receipt_mixed.jpg", "small_en.png", "blank_white.png"])
def test_a_dropped_picture_shows_where_its_lines_stand(
    person: Person, reading: Emulator, name: str, width: int
) -> None:
    """At any scale on the screen: a box around each line, with the text beside the picture."""
    person.open(reading, width=width)
    person.drop(SAMPLES / name)
    person.wait_for_result()
    (page,) = person.run(BOXES)
    check(page, TRUTH[name]["size"], TRUTH[name]["lines"])
    assert person.texts(".found h3") == [name]


@pytest.mark.parametrize("width", [360, 1200])
def test_numbers_hide_neither_text_nor_each_other(
    person: Person, tmp_path: Path, width: int
) -> None:
    """With close lines in two columns; on a phone too, where a line is seven pixels high."""
    Image.new("RGB", (900, 500), "white").save(tmp_path / "columns.png")
    with Emulator(Columns) as emulator:
        person.open(emulator, width=width)
        person.drop(tmp_path / "columns.png")
        person.wait_for_result()
    person.wait_until("return document.querySelector('.tag').hasAttribute('transform')")
    check_numbers(person)


def test_the_frames_of_a_gif_are_shown_one_after_the_other(
    person: Person, reading: Emulator
) -> None:
    """First only the first frame, as the service reads it; then all, by a button."""
    truth = TRUTH["anim4.gif"]
    person.open(reading)
    person.drop(SAMPLES / "anim4.gif")
    person.wait_for_result()
    (page,) = person.run(BOXES)
    check(page, truth["size"], truth["lines"])
    assert "1 of 4 frames read" in person.texts(".summary")[0]
    person.read_all()
    pages = person.run(BOXES)
    assert len(pages) == 4
    for page, lines in zip(pages, truth["frames"], strict=True):
        check(page, truth["size"], lines)
    assert [title[:7] for title in person.texts(".page h4")] == [
        f"Frame {number}" for number in (1, 2, 3, 4)
    ]


def test_interval_and_max_frames_can_be_chosen(person: Person, reading: Emulator) -> None:
    """One of every two frames, two at most."""
    person.open(reading)
    person.drop(SAMPLES / "anim4.gif")
    person.wait_for_result()
    for name, value in (("interval", "2"), ("max_frames", "2")):
        (field,) = person.find(f".frames input[name={name}]")
        field.clear()
        field.send_keys(value)
    person.press(Keys.ENTER)
    person.wait_until("return document.querySelectorAll('.page').length === 2")
    assert [title[:7] for title in person.texts(".page h4")] == ["Frame 1", "Frame 3"]


def test_a_wide_picture_is_shown_whole(person: Person, reading: Emulator) -> None:
    """Its frames are strips, but lines and boxes are shown for the whole picture."""
    truth = TRUTH["small_zh.png"]
    person.open(reading)
    person.drop(SAMPLES / "small_zh.png")
    person.wait_for_result()
    assert "1 of 3 frames read" in person.texts(".summary")[0]
    person.read_all()
    (page,) = person.run(BOXES)
    check(page, truth["size"], truth["lines"])


def test_a_high_picture_scrolls_beside_its_lines(person: Person, reading: Emulator) -> None:
    """The first strip of a long chat is read; a key scrolls to its last line."""
    person.open(reading)
    person.drop(SAMPLES / "long_portrait.png")
    person.wait_for_result()
    (page,) = person.run(BOXES)
    lines = TRUTH["long_portrait.png"]["lines"]
    check(page, [600, 4200], lines[: len(page["lines"])])
    assert len(page["lines"]) >= 9
    pane = person.run(
        "const pane = document.querySelector('.pane');"
        "return [pane.clientHeight, pane.scrollHeight, innerHeight]"
    )
    assert pane[0] < pane[2] < pane[1]


def test_a_picture_can_be_chosen_or_pasted(person: Person, reading: Emulator) -> None:
    """Without a mouse."""
    person.open(reading)
    person.find("#file")[0].send_keys(str(SAMPLES / "small_en.png"))
    person.wait_for_result()
    check(person.run(BOXES)[0], TRUTH["small_en.png"]["size"], TRUTH["small_en.png"]["lines"])
    person.run(
        "const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));"
        "const clipboardData = new DataTransfer();"
        "clipboardData.items.add(new File([bytes], 'pasted.png'));"
        "dispatchEvent(new ClipboardEvent('paste', { clipboardData }));",
        base64.b64encode((SAMPLES / "blank_white.png").read_bytes()).decode(),
    )
    person.wait_until("return document.querySelector('.found h3')?.textContent === 'pasted.png'")
    assert person.texts(".lines strong") == ["No text found."]


def test_a_line_and_its_box_light_up_together(person: Person, reading: Emulator) -> None:
    """From the list, from the picture, and by the arrow keys."""
    person.open(reading)
    person.drop(SAMPLES / "small_en.png")
    person.wait_for_result()
    person.wait_until("return document.querySelector('.tag').hasAttribute('transform')")

    def lit() -> tuple[list[str], list[str]]:
        boxes = person.run(
            "return [...document.querySelectorAll('.box.hot')].map((box) => box.dataset.text)"
        )
        return boxes, person.texts("tr.hot .text")

    first, second = person.texts(".lines .text")
    rows = person.find(".lines tbody tr")
    person.point_at(rows[1])
    assert lit() == ([second], [second])
    person.point_at(person.find(f".box[data-text='{first}'] rect")[0])
    assert lit() == ([first], [first])
    person.point_at(person.find("h2")[0])
    assert lit() == ([], [])
    person.run("arguments[0].focus()", rows[0])
    assert lit() == ([first], [first])
    person.press(Keys.ARROW_DOWN)
    assert lit() == ([second], [second])


# --- a picture is refused -------------------------------------------------------------------------


def test_a_refusal_is_shown_with_code_name_and_words(
    person: Person, reading: Emulator, tmp_path: Path
) -> None:
    """The next picture replaces it."""
    junk = tmp_path / "holiday.jpg"
    junk.write_bytes(b"no picture at all")
    person.open(reading)
    person.drop(junk)
    person.wait_for_result()
    assert person.texts(".refusal .code, .refusal .name") == ["590", "BAD_FORMAT"]
    assert "an unknown format" in person.texts(".refusal .words")[0]
    assert "590 BAD_FORMAT" in person.texts("#told")[0]
    person.drop(SAMPLES / "small_en.png")
    person.wait_until("return document.querySelector('.box') !== null")
    assert not person.find(".refusal")


def test_a_picture_that_is_too_large_is_not_even_sent(
    person: Person, reading: Emulator, tmp_path: Path
) -> None:
    """A film dropped by mistake is refused at once."""
    film = tmp_path / "film.png"
    with film.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    person.open(reading)
    person.drop(film)
    person.wait_for_result()
    assert person.texts(".refusal .code, .refusal .name") == ["589", "TOO_LARGE"]
    sent = person.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert sent
    assert not any("/read" in name for name in sent)


def test_without_an_engine_the_page_says_so(person: Person, scripted: Emulator) -> None:
    """It accepts no picture, since it could not read it."""
    person.open(scripted)
    assert person.texts("#zone strong") == ["This emulator reads no pictures"]
    assert person.find("#zone")[0].get_property("disabled") is True
    person.drop(SAMPLES / "small_en.png")
    assert person.find("#busy")[0].get_property("hidden") is True


# --- what it tells of itself ----------------------------------------------------------------------


def test_the_page_tells_where_and_with_which_key(person: Person, scripted: Emulator) -> None:
    """Endpoint and AccessKey id, in snippets to copy, but not the secret."""
    person.open(scripted)
    key = scripted.credentials
    assert person.texts("#endpoint") == [scripted.url]
    assert person.texts(".key code") == [key.access_key_id]
    shell = person.texts("#snippet")[0]
    assert f"export ALIOCR_ENDPOINT={scripted.url}\n" in shell
    assert f"export ALIBABA_CLOUD_ACCESS_KEY_ID={key.access_key_id}\n" in shell
    # An empty value would take away the secret that a shell has already.
    assert "export ALIBABA_CLOUD_ACCESS_KEY_SECRET='<the secret>'\n" in shell
    for tab in person.find("[role=tab]"):
        tab.click()
        assert scripted.url.removeprefix("http://") in person.texts("#snippet")[0]
    whole = person.run("return document.documentElement.outerHTML")
    assert key.access_key_secret not in whole


def test_recent_requests_appear_as_they_arrive(person: Person, scripted: Emulator) -> None:
    """First a note that there are none; then each, newest first, within about a second."""
    scripted.fail("https://example.com/b.png", 592)
    person.open(scripted)
    assert "Nothing has arrived yet." in person.texts("#requests-empty")[0]
    asyncio.run(_scan(scripted, "https://example.com/a.png", "https://example.com/b.png"))
    person.wait_until("return document.querySelectorAll('#requests-rows tr').length === 1")
    assert person.texts("#requests-rows .images .chip") == ["1 × 200", "1 × 592"]
    assert person.texts("#requests-rows .url") == [
        "https://example.com/a.png",
        "https://example.com/b.png",
    ]
    scripted.throttle()
    asyncio.run(_scan(scripted, "https://example.com/a.png"))
    person.wait_until("return document.querySelectorAll('#requests-rows tr').length === 2")
    assert person.texts("#requests-rows .answer") == ["400 · Throttling.User", "200"]
    assert person.texts("#requests-rows .charged") == ["0", "1"]
    assert not person.find("#requests-empty")[0].is_displayed()


def test_the_code_of_a_refused_request_leads_to_what_to_do(
    person: Person, scripted: Emulator
) -> None:
    """Its chip is a link, which opens the table of codes at the row of this code."""
    person.open(scripted)
    scripted.refuse("Throttling.User")
    asyncio.run(_scan(scripted, "https://example.com/a.png"))
    person.wait_until("return document.querySelectorAll('#requests-rows tr').length > 0")
    assert not person.find("#code-Missing")[0].is_displayed()
    person.find("#requests-rows a.chip.warn")[0].click()
    (row,) = person.find("tr:target")
    assert row.is_displayed()
    assert row.text.startswith("Throttling.User")


def test_the_table_of_rules_can_be_narrowed(person: Person, scripted: Emulator) -> None:
    """To rules that are emulated, partly or not; each button has its count."""
    person.open(scripted)
    person.wait_until("return document.querySelectorAll('#rules-rows tr').length > 0")
    assert not person.find("#rules-rows")[0].is_displayed()  # they are as long as ten screens
    counts = [int(words.rpartition(" ")[2]) for words in person.texts("#filters button")]
    shown = []
    for button in range(4):
        person.find("#filters button")[button].click()
        assert person.find("#rules-rows")[0].is_displayed()
        shown.append(len(person.find("#rules-rows tr")))
    assert shown == counts
    assert counts[0] == sum(counts[1:])


def test_nothing_from_outside_becomes_markup(
    person: Person, reading: Emulator, tmp_path: Path
) -> None:
    """Neither a URL in a request nor the name of a file, even if the page's script were wrong."""
    url = "https://example.com/<img/src=x/onerror=document.title='owned'>"
    name = "<img src=x onerror=\"document.title='owned'\">.png"
    (tmp_path / name).write_bytes(b"no picture")
    person.open(reading)
    asyncio.run(_scan(reading, url))
    person.wait_until("return document.querySelectorAll('#requests-rows tr').length > 0")
    assert url in person.texts("#requests-rows .url")
    person.drop(tmp_path / name)
    person.wait_for_result()
    assert name in person.texts(".refusal")[0]
    assert person.run("return document.title") == "aliocr emulator"
    refused = person.run(
        "try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; }"
    )
    assert refused == "TypeError"
    # That attempt is what the browser complains about, and nothing else.
    assert [each for each in person.complaints() if "rusted" not in each] == []
    person.run("window.violations = []")


def test_the_page_says_that_the_emulator_has_stopped(person: Person) -> None:
    """The page stays, and says that the emulator does not answer."""
    with Emulator() as emulator:
        person.open(emulator)
    person.wait_until("return document.getElementById('state').dataset.state === 'off'")
    assert person.texts("#state-words") == ["not answering"]
    assert all("ERR_CONNECTION" in each for each in person.complaints())


# --- how it looks ---------------------------------------------------------------------------------


def test_it_is_dark_if_the_browser_prefers_it(person: Person, scripted: Emulator) -> None:
    """Light letters on a dark page, or dark letters on a light one."""
    brightness: list[float] = []
    for dark in (False, True):
        person.open(scripted, dark=dark)
        for name in ("backgroundColor", "color"):
            color = person.run(f"return getComputedStyle(document.body).{name}")
            brightness.append(sum(map(int, color.strip("rgb()").split(","))) / 3)
    page_by_day, ink_by_day, page_by_night, ink_by_night = brightness
    assert min(page_by_day, ink_by_night) > 200
    assert max(page_by_night, ink_by_day) < 60


@pytest.mark.parametrize("width", [320, 400, 720, 1600])
def test_it_fits_the_window(person: Person, reading: Emulator, width: int) -> None:
    """No sideways scrolling, with a picture, requests and rules on the page."""
    person.open(reading, width=width)
    person.drop(SAMPLES / "anim4.gif")
    person.wait_for_result()
    asyncio.run(_scan(reading, f"https://example.com/{'long' * 100}.png"))
    person.wait_until("return document.querySelectorAll('#requests-rows tr').length > 0")
    person.run("for (const each of document.querySelectorAll('details')) each.open = true")
    for tab in range(4):
        person.run(f"document.querySelectorAll('[role=tab]')[{tab}].click()")
        for part in ("html", "#tabs", "#snippet")[: 3 if width <= 400 else 1]:
            wide, window = person.run(
                f"const part = document.querySelector('{part}');"
                "return [part.scrollWidth, part.clientWidth]"
            )
            assert wide <= window


def test_it_can_be_used_without_a_mouse(person: Person, reading: Emulator) -> None:
    """The first Tab leads past the header; every control has a name and a visible focus."""
    person.open(reading)
    person.press(Keys.TAB)
    assert person.run("return document.activeElement.className") == "skip"
    person.press(Keys.ENTER)
    names = person.run(
        "return [...document.querySelectorAll('button, a, input:not([aria-hidden])')]"
        ".map((one) => one.ariaLabel ?? one.textContent.trim())"
    )
    assert all(names)
    person.run("document.getElementById('zone').focus()")
    assert person.run("return document.activeElement.id") == "zone"
    tab = "return document.querySelector('[role=tab][aria-selected=true]').textContent"
    assert person.run(tab) == "Shell"
    person.run("document.querySelector('[role=tab][aria-selected=true]').focus()")
    person.press(Keys.ARROW_RIGHT)
    assert person.run(tab) == "Python"


async def _scan(emulator: Emulator, *urls: str) -> None:
    """A signed request, as a client sends it."""
    assert (await ask(emulator, *urls)).status in (200, 400)
