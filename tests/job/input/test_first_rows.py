"""The first rows of a list, before a job begins."""

from __future__ import annotations

import re

import pytest

from aliocr.job.errors import InputError
from aliocr.job.input.first_rows import FIRST_ROWS, FirstRows
from aliocr.job.sources import Urls
from tests.support.listing import piped

GOOD = "https://e.com/1.png"


def looked_at(data: str, format_: str = "text", *, allow_bad: bool = False) -> int:
    """Look at the rows of a list until it is enough; return how many were read for it."""
    first, reader = FirstRows("list", None if allow_bad else Urls().check), piped(data, format_)
    read = 0
    for row in reader:
        read += 1
        if first.take(row, reader):
            break
    else:
        first.end(reader)
    assert first.enough
    return read


@pytest.mark.parametrize("before", [0, 1, 3, FIRST_ROWS - 1])
def test_the_first_image_is_enough(before: int) -> None:
    """No more is read, because a pipe may be slow."""
    assert looked_at("no image\n" * before + f"{GOOD}\n" * 300) == before + 1


def test_a_hundred_bad_rows_are_enough() -> None:
    """Three of them are named with their rows, lines and reasons, and then what to do."""
    with pytest.raises(InputError) as refused:
        looked_at("\n" + "".join(f"{row}.png\n" for row in range(FIRST_ROWS)) + GOOD)
    assert str(refused.value) == (
        "list names no image in its first 100 rows (each line). "
        "row 1 (line 2): not an http:// or https:// URL: '0.png'; aliocr run --local reads files; "
        "row 2 (line 3): not an http:// or https:// URL: '1.png'; aliocr run --local reads files; "
        "row 3 (line 4): not an http:// or https:// URL: '2.png'; aliocr run --local reads files. "
        "Mend the list, or let these rows fail (--allow-bad, or allow_bad=True of a Job)"
    )


@pytest.mark.parametrize(
    ("data", "format_", "said"),
    [
        ("ftp://e.com/1.png\n", "text", r"in its only row .*row 1 \(line 1\): not an http"),
        (
            "title,image\na,\nb,\n",
            "csv",
            r"2 rows \(the column image\)\. row 1 \(line 2\), row 2 \(line 3\): image is empty\.",
        ),
        ('{"url": null}\n{}\n', "jsonl", r"row 1 \(line 1\): url is empty; row 2 .*no column"),
        ('{"url": 1}\n', "jsonl", "url is not a text"),
        ("http://[::1\n", "text", "host or port that cannot be read"),
        (f"https://e.com/{'x' * 3_000}\n", "text", "characters when sent"),
        ("url,id\nx\ny\n", "csv", "has 1 fields|URL: 'x'"),
    ],
)
def test_a_short_list_is_looked_at_to_its_end(data: str, format_: str, said: str) -> None:
    """Every row of it is bad, each for a reason that is told."""
    with pytest.raises(InputError, match=said):
        looked_at(data, format_)
    assert looked_at(data, format_, allow_bad=True) == 1
    if format_ == "text":
        assert looked_at(f"{data}{GOOD}", format_) == 2


def test_a_list_without_rows_is_no_mistake() -> None:
    """A pipeline may find nothing to do."""
    assert looked_at("") == 0
    assert looked_at("url\n", "csv") == 0


def test_the_message_has_no_secret() -> None:
    """The query of a signed URL is its key."""
    with pytest.raises(InputError) as refused:
        looked_at("ftp://user:secret@e.com/1.png?Signature=secret\n\0https://e.com?k=secret\n")
    assert "secret" not in str(refused.value)
    assert re.search(r"ftp://…@e\.com/1\.png\?…", str(refused.value))
