"""The real engine on the sample pictures: text, positions, and no output of its own."""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.support.truth import ENOUGH, LINES, SAMPLES, TRUTH, squeezed

pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

from PIL import Image, ImageDraw, ImageFont

from aliocr.cli.printer import LOW_RATE
from aliocr.emulator.engine import RapidOCREngine, Recognized, rate
from aliocr.emulator.reading.reader import PictureReader
from tests.support.drawing import decoded

pytestmark = pytest.mark.engine

PICTURES = Path(__file__).parent / "pictures"

PADDING_PIXELS = 9
"""Engines draw their boxes around the ink by up to so much."""

SLANT_PIXELS = 5
"""A long line is found a little slanted, which makes its upright bounding box so much higher."""


@pytest.fixture(scope="module")
def engine() -> RapidOCREngine:
    """One engine for all tests; its models take half a second to load."""
    return RapidOCREngine()


def frames_of(name: str) -> list[tuple[Image.Image, int, list[dict[str, Any]]]]:
    """Return each frame of a sample: pixels, upper edge, and the lines that begin in it.

    A wide picture is taken whole: its strips, the service's rule, cut through its lines.
    """
    truth = TRUTH[name]
    if name == "small_zh.png":
        return [(Image.open(SAMPLES / name).convert("RGB"), 0, truth["lines"])]
    frames = decoded((SAMPLES / name).read_bytes(), interval=1, max_frames=100)
    if "frames" in truth:
        return [(f.picture, 0, truth["frames"][f.index]) for f in frames]
    return [
        (
            frame.picture,
            frame.y,
            [each for each in truth["lines"] if 0 <= each["y"] - frame.y < frame.picture.height],
        )
        for frame in frames
    ]


def excess(found: Recognized, line: dict[str, Any]) -> list[float]:
    """Return the pixels by which a box exceeds the ink: left, top, right, bottom."""
    return [
        line["x"] - found.x,
        line["y"] - found.y,
        found.x + found.w - line["x"] - line["w"],
        found.y + found.h - line["y"] - line["h"],
    ]


def test_lines_of_the_samples_are_found_in_their_places(engine: RapidOCREngine) -> None:
    """At least 95 % of all lines, in every frame and strip, with boxes a few pixels around them."""
    expected = 0
    edges: list[list[float]] = []
    for name in TRUTH:
        for picture, top, lines in frames_of(name):
            found = [attrs.evolve(each, y=each.y + top) for each in engine.recognize(picture)]
            expected += len(lines)
            for line in lines:
                same = [each for each in found if squeezed(each.text) == squeezed(line["text"])]
                edges += [excess(each, line) for each in same[:1]]
    assert expected == LINES
    assert len(edges) >= ENOUGH
    near = [each for each in edges if max(map(abs, each)) <= PADDING_PIXELS + SLANT_PIXELS]
    assert len(near) >= ENOUGH
    for edge in zip(*edges, strict=True):
        assert 0 <= statistics.median(edge) <= PADDING_PIXELS


def test_a_blank_page_has_no_text(engine: RapidOCREngine) -> None:
    """No text is invented."""
    assert engine.recognize(Image.open(SAMPLES / "blank_white.png").convert("RGB")) == ()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (400, 5), (2_500, 1_000)])
def test_odd_sizes_are_no_error(engine: RapidOCREngine, size: tuple[int, int]) -> None:
    """A hairline or a poster without text gives no text and no error."""
    assert engine.recognize(Image.new("RGB", size, "white")) == ()


def test_boxes_stay_inside_the_picture(engine: RapidOCREngine) -> None:
    """Even for text at the edge."""
    whole = Image.open(SAMPLES / "small_en.png").convert("RGB")
    cut = whole.crop((41, 65, 290, 136))
    found = engine.recognize(cut)
    assert found
    for each in found:
        assert 0 <= each.x < each.x + each.w <= cut.width
        assert 0 <= each.y < each.y + each.h <= cut.height
        assert 0.5 <= each.confidence <= 1


async def test_a_sample_is_read_in_order_by_the_reader() -> None:
    """Engine, frames and reading order together give the lines of a receipt in order."""
    reader = PictureReader(RapidOCREngine, workers=1)
    data = (SAMPLES / "receipt_mixed.jpg").read_bytes()
    result = await reader.read(data, interval=None, max_frames=None)
    await reader.aclose()
    printed = squeezed("".join(line["text"] for line in TRUTH["receipt_mixed.jpg"]["lines"]))
    assert squeezed(result.text) == printed
    assert result.rate > 90


def drawn(lines: tuple[str, ...], size: int = 24) -> Image.Image:
    """A page of black lines on white."""
    font = ImageFont.load_default(size)
    picture = Image.new(
        "RGB", (int(max(map(font.getlength, lines))) + 60, 50 * len(lines) + 20), "white"
    )
    for number, line in enumerate(lines):
        ImageDraw.Draw(picture).text((30, 15 + 50 * number), line, font=font, fill="black")
    return picture


def low_contrast(picture: Image.Image) -> Image.Image:
    """The picture as a pale and noisy photo."""
    noise = Image.effect_noise(picture.size, 12).convert("RGB")
    return Image.blend(picture.point(lambda value: 90 + value // 4), noise, 0.3)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("pale", [False, True])
def test_a_turned_page_is_read(engine: RapidOCREngine, turn: int, pale: bool) -> None:
    """Places are those of the picture that was given, not of the upright one."""
    upright = drawn(("Rotated page", "Invoice 4711", "Total 64.50 EUR"))
    given = (low_contrast(upright) if pale else upright).rotate(turn, expand=True)
    found = engine.recognize(given)
    # Pillow rotates anticlockwise.
    assert found.turn == turn
    assert found.missed < 1
    assert {each.text for each in found} == {"Rotated page", "Invoice 4711", "Total 64.50 EUR"}
    for each in found:
        ink = given.crop((int(each.x), int(each.y), int(each.x + each.w), int(each.y + each.h)))
        least, most = ink.convert("L").getextrema()
        assert most - least > 40  # type: ignore[operator]
        assert (each.w > each.h) == (turn in {0, 180})


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_chinese_page_is_no_vertical_one(engine: RapidOCREngine, turn: int) -> None:
    """Both have high and narrow lines, which the recognizer reads in the same way."""
    picture = Image.open(SAMPLES / "small_zh.png").convert("RGB")
    found = engine.recognize(picture.rotate(turn, expand=True))
    assert found.turn == turn
    said = {squeezed(each.text) for each in found}
    assert said == {squeezed(each["text"]) for each in TRUTH["small_zh.png"]["lines"]}


@pytest.mark.parametrize("turn", [0, 180])
def test_a_vertical_page_may_be_upside_down(engine: RapidOCREngine, turn: int) -> None:
    """Its letters are upright one by one; those of a page on its side are not."""
    picture = Image.open(PICTURES / "vert_poem.png").convert("RGB")
    found = engine.recognize(picture.rotate(turn))
    assert found.turn == turn
    assert {each.text for each in found} == {"春眠不觉晓处处闻啼鸟", "夜来风雨声花落知多少"}


def test_pictures_that_lie_are_read(engine: RapidOCREngine) -> None:
    """The cases that were printed as rubbish, each with its turn; vertical pages stand upright."""
    said = {"Rotated page", "Invoice 4711", "Total 64.50 EUR"}
    for name, turn in (("rot90.png", 90), ("rot180.png", 180)):
        found = engine.recognize(Image.open(PICTURES / name).convert("RGB"))
        assert (found.turn, {each.text for each in found}) == (turn, said)
    for name in ("couplet.png", "vert_ja.png"):
        assert engine.recognize(Image.open(PICTURES / name).convert("RGB")).turn == 0


def test_a_script_that_the_engine_does_not_know_has_a_low_rate(engine: RapidOCREngine) -> None:
    """The recognizer is sure of the few letters that look Latin; the others count as well."""
    found = engine.recognize(Image.open(PICTURES / "cyrillic.png").convert("RGB"))
    assert found.turn == 0
    assert found.missed > 5
    assert (rate(found) or 0) < LOW_RATE
    for name in ("small_en.png", "small_zh.png", "receipt_mixed.jpg"):
        found = engine.recognize(Image.open(SAMPLES / name).convert("RGB"))
        assert (rate(found) or 0) > 90


def test_small_letters_of_a_large_screen_are_read(engine: RapidOCREngine) -> None:
    """At the usual size for finding lines they have four pixels."""
    found = engine.recognize(Image.open(PICTURES / "screen_4k_16px.png").convert("RGB"))
    assert {each.text for each in found} == {
        *("budget backup window 98119", "budget account window 67649"),
        *("window account report 72832", "folder printer project 48868"),
        *("folder printer network 60865", "account window meeting 21865"),
    }


READ_AND_SAY_NOTHING = """
import sys
from PIL import Image, ImageDraw, ImageFont
from aliocr.emulator.engine import RapidOCREngine
engine = RapidOCREngine()
for name in sys.argv[1:]:
    engine.recognize(Image.open(name).convert("RGB"))
"""


def test_the_engine_keeps_quiet() -> None:
    """Neither engine nor runtime writes to the terminal, with text or without."""
    names = [str(SAMPLES / name) for name in ("small_en.png", "blank_white.png")]
    ran = subprocess.run(
        [sys.executable, "-c", READ_AND_SAY_NOTHING, *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_the_engine_sends_no_reports(tmp_path: Path) -> None:
    """The telemetry of onnxruntime, which starts with a file in the home folder, is off."""
    # What would switch the telemetry off by itself, as on a build server, is left out.
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
    subprocess.run(
        [sys.executable, "-c", READ_AND_SAY_NOTHING, str(SAMPLES / "small_en.png")],
        env={**kept, "HOME": str(tmp_path)},
        check=True,
    )
    assert list(tmp_path.rglob("*")) == []


WITHOUT_EXTRA = """
import importlib, sys
for module in ("PIL", "numpy", "rapidocr", "onnxruntime"):
    sys.modules[module] = None
from aliocr.emulator.engine import RapidOCREngine
for fails in (RapidOCREngine, lambda: importlib.import_module("aliocr.pictures.picture")):
    try:
        fails()
    except ImportError as error:
        print(error)
"""


def test_without_the_extra_one_sentence_says_what_to_install() -> None:
    """The emulator imports without the engine; using it names the command to install it."""
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA], capture_output=True, text=True, check=True
    )
    engine, pictures = ran.stdout.splitlines()
    assert "pip install 'aliocr[emulator]'" in engine
    assert "pip install 'aliocr[pictures]'" in pictures


async def test_words_that_the_strips_cut_are_whole(engine: RapidOCREngine) -> None:
    """In Latin letters, in digits and in Chinese; blanks stay where words end."""
    size = (538, 140)
    font = ImageFont.load_default(28)
    banner = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(banner)
    lines = ("Hello my picture is a very wide banner", "Invoice 20241213-0086 total 64.50 EUR")
    for line, y in zip(lines, (14, 84), strict=True):
        draw.text((20, y), line, font=font, fill="black")
    chinese = Image.open(SAMPLES / "small_zh.png").convert("RGB")
    reader = PictureReader(lambda: engine, workers=1)
    said = []
    for picture in (banner, chinese):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        read = await reader.read(buffer.getvalue(), interval=1, max_frames=100)
        assert len(read.frames) > 2
        said.append([region.text for region in read.regions])
    await reader.aclose()
    assert said[0] == list(lines)
    assert said[1] == [each["text"] for each in TRUTH["small_zh.png"]["lines"]]
