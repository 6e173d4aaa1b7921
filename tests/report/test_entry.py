"""What the page says of one result."""

import pytest

from aliocr import Read
from aliocr.report.entry import EmbeddedPage, EmbeddedPicture, entry


@pytest.mark.parametrize(
    ("width", "frames", "asked", "alone"),
    [(None, None, None, 7), (400, None, None, None), (400, 7, None, 7), (None, None, 1, None)],
)
def test_a_picture_of_which_only_the_first_frame_was_read_is_named(
    width: int | None, frames: int | None, asked: int | None, alone: int | None
) -> None:
    """A long picture that was read uncut is not one of them, and its size is known."""
    result = Read(row=1, source="a", text="", width=width, interval=asked, max_frames=asked)
    shown = EmbeddedPicture((EmbeddedPage(0, 400, 2_800, 0),), frames, 7)
    assert entry(result, shown).get("alone") == alone
