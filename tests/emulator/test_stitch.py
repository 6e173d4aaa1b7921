"""Lines that run through the strips of a wide picture come out whole."""

from aliocr.emulator.engine import Recognized
from aliocr.emulator.stitch import Strip, stitched


def _line(text: str, x: float, w: float, y: float = 10) -> Recognized:
    return Recognized(text, x, y, w, 20, 0.9)


def test_a_line_through_three_strips_is_one_line() -> None:
    """Its box reaches from the first half's left to the last one's right."""
    strips = [
        Strip((_line("欢迎使用内", 10, 88), _line("one", 12, 85, y=50)), 0, 100),
        Strip((_line("容安", 101, 97, y=11), _line("two", 102, 95, y=51)), 100, 200),
        Strip((_line("全服务", 203, 60), _line("three", 202, 90, y=50)), 200, 300),
    ]
    assert stitched(strips) == (
        Recognized("欢迎使用内容安全服务", 10, 10, 253, 21, 0.9),
        Recognized("one two three", 12, 50, 280, 21, 0.9),
    )


def test_what_only_stands_near_a_cut_is_left_alone() -> None:
    """Other heights, other columns, and strips that do not touch."""
    left, lower, far = _line("a", 10, 88), _line("b", 102, 90, y=24), _line("c", 112, 80)
    assert set(stitched([Strip((left,), 0, 100), Strip((lower, far), 100, 200)])) == {
        left,
        lower,
        far,
    }
    skipped = _line("d", 202, 90)
    assert stitched([Strip((left,), 0, 100), Strip((skipped,), 200, 300)]) == (left, skipped)


def test_one_strip_is_itself() -> None:
    """With nothing to join nothing changes."""
    line = _line("a", 10, 88)
    assert stitched([Strip((line,), 0, 100)]) == (line,)
    assert stitched([Strip((), 0, 100), Strip((), 100, 200)]) == ()
