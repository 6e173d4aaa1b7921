"""Lines cut by the strips of a wide picture are joined again."""

from typing import Any

import pytest

from aliocr.emulator.engine import Recognized
from aliocr.emulator.reading import stitch
from aliocr.emulator.reading.stitch import Strip, stitch_lines


def _strip(found: tuple[Recognized, ...], left: int, right: int, blank: float = 5) -> Strip:
    """A strip whose lines all end so many pixels from its edges."""
    return Strip(found, left, right, ((blank, blank),) * len(found))


def _line(text: str, x: float, w: float, y: float = 10) -> Recognized:
    return Recognized(text, x, y, w, 20, 0.9)


def test_a_line_through_three_strips_is_one_line() -> None:
    """Its box reaches from the first half's left to the last one's right."""
    strips = [
        _strip((_line("欢迎使用内", 10, 88), _line("one", 12, 85, y=50)), 0, 100, 8),
        _strip((_line("容安", 101, 97, y=11), _line("two", 102, 95, y=51)), 100, 200, 8),
        _strip((_line("全服务", 203, 60), _line("three", 202, 90, y=50)), 200, 300, 8),
    ]
    assert stitch_lines(strips) == (
        Recognized("欢迎使用内容安全服务", 10, 10, 253, 21, 0.9),
        Recognized("one two three", 12, 50, 280, 21, 0.9),
    )


def test_a_word_that_a_cut_parts_is_one_again() -> None:
    """Its letters stand close on both sides of the cut, at half a letter's width at the most."""
    left, right = _line("Hello m", 10, 90), _line("y picture ", 100, 100)
    for blank, text in ((2, "Hello my picture"), (4, "Hello m y picture")):
        strips = [_strip((left,), 0, 100, blank), _strip((right,), 100, 200, blank)]
        assert [each.text.strip() for each in stitch_lines(strips)] == [text]


def test_chinese_is_joined_however_wide_its_gaps() -> None:
    """A word beside it keeps its blank."""
    left, right = _line("订单号", 10, 90), _line("二零", 100, 100)
    strips = [_strip((left,), 0, 100, 9), _strip((right,), 100, 200, 9)]
    assert [each.text for each in stitch_lines(strips)] == ["订单号二零"]
    strips = [_strip((left,), 0, 100, 9), _strip((_line("20241", 100, 80),), 100, 200, 9)]
    assert [each.text for each in stitch_lines(strips)] == ["订单号 20241"]
    strips = [_strip((_line("订单号：", 10, 90),), 0, 100, 9), strips[1]]
    assert [each.text for each in stitch_lines(strips)] == ["订单号：20241"]


def test_what_only_stands_near_a_cut_is_left_alone() -> None:
    """Other heights, other columns, and strips that do not touch."""
    left, lower, far = _line("a", 10, 88), _line("b", 102, 90, y=24), _line("c", 112, 80)
    assert set(stitch_lines([_strip((left,), 0, 100), _strip((lower, far), 100, 200)])) == {
        left,
        lower,
        far,
    }
    skipped = _line("d", 202, 90)
    assert stitch_lines([_strip((left,), 0, 100), _strip((skipped,), 200, 300)]) == (left, skipped)


def test_a_line_is_looked_for_in_the_strip_before_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a picture of a thousand strips would need a million comparisons, and minutes."""
    looks = 0

    def counted(*args: Any) -> bool:
        nonlocal looks
        looks += 1
        return meet(*args)

    meet = stitch._meet
    monkeypatch.setattr(stitch, "_meet", counted)
    strips = [
        _strip((_line("a", left + 40, 20),), left, left + 100) for left in range(0, 50_000, 100)
    ]
    assert len(stitch_lines(strips)) == 500
    assert looks == 499


def test_one_strip_is_itself() -> None:
    """With nothing to join nothing changes."""
    line = _line("a", 10, 88)
    assert stitch_lines([_strip((line,), 0, 100)]) == (line,)
    assert stitch_lines([_strip((), 0, 100), _strip((), 100, 200)]) == ()
