"""An input that is read on from where it was left, and the proof that it is the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aliocr.job.errors import InputError
from aliocr.job.input.rows import Checkpoint, Row
from tests.support.listing import checkpointed, piped, rows_of, sources_of

FORMATS = st.sampled_from(["text", "csv", "jsonl"])

PIECES = [
    *(b"\n", b"\n", b"\r\n", b"\r", b'"', b'""', b",", b"\t", b" ", b"x", b"\xff", b"\0", b"\xe4"),
    *(b"url,id\n", b"http://a/1.png", b'{"url": "a"}\n', b'"b"\n', b'"c\nd",7\n', b"\xef\xbb\xbf"),
]
ANYTHING = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)


@given(ANYTHING, FORMATS)
def test_any_input_can_be_left_after_any_row(data: bytes, format_: str) -> None:
    """However broken a file is, the rows after a checkpoint are those that would have come."""
    try:
        rows, checkpoints = checkpointed(data, format_)
    except InputError:
        return
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    lines = [row.line or 0 for row in rows]
    assert lines == sorted(set(lines))
    for number, checkpoint in enumerate(checkpoints):
        rest, later = checkpointed(data, format_, checkpoint=checkpoint)
        assert rest == rows[number:]
        assert later == checkpoints[number:]


@given(ANYTHING, FORMATS, st.data())
def test_an_input_that_is_compared_is_read_from_its_beginning(
    data: bytes, format_: str, choose: st.DataObject
) -> None:
    """A job that goes on opens its list once: to see that it is the same, and to read it."""
    try:
        rows, checkpoints = checkpointed(data, format_)
    except InputError:
        return
    reader, whole = piped(data, format_), piped(data, format_)
    start, last = sorted(choose.draw(st.integers(0, len(rows))) for _ in range(2))
    reader.compare(checkpoints[last])
    assert reader.checkpoint == checkpoints[0]
    reader.skip_to(checkpoints[start])
    assert [*reader] == [*whole][start:]
    assert reader.checkpoint == whole.checkpoint


@given(ANYTHING, FORMATS, st.data())
def test_an_input_that_has_changed_before_the_checkpoint_is_told(
    data: bytes, format_: str, choose: st.DataObject
) -> None:
    """One byte is enough: rows are never joined to results of other images."""
    try:
        rows, checkpoints = checkpointed(data, format_)
    except InputError:
        return
    assume(rows)
    checkpoint = choose.draw(st.sampled_from(checkpoints[1:]))
    at = choose.draw(st.integers(0, checkpoint.offset - 1))
    other = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    with pytest.raises(InputError):
        piped(other, format_).compare(checkpoint)
    with pytest.raises(InputError):
        piped(other, format_, checkpoint=checkpoint)


@given(ANYTHING, ANYTHING, FORMATS)
def test_rows_that_were_added_are_read(data: bytes, more: bytes, format_: str) -> None:
    """A list may grow while it is worked off: what was read stays read, the rest follows."""
    data += b"\n"
    # What comes may close a quote, and make other rows of what was read.
    assume(format_ != "csv" or b'"' not in data)
    try:
        rows, checkpoints = checkpointed(data, format_)
    except InputError:
        return
    assume(rows)
    later = rows_of(data + more, format_)[len(rows) :]
    assert rows_of(data + more, format_, checkpoint=checkpoints[-1]) == later


LISTS = {
    "text": "a.png\nb.png\nc.png",
    "csv": "url,id\na.png,1\nb.png,2\nc.png,3",
    "jsonl": '"a.png"\n{"url": "b.png"}\n{"url": "c.png", "id": 3}',
}


@pytest.mark.parametrize("format_", LISTS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_last_line_may_be_ended_later(format_: str, ending: str) -> None:
    """A list without a last line end goes on when lines were added to it, with their numbers."""
    data = LISTS[format_].encode()
    rows, checkpoints = checkpointed(data, format_)
    added = json.dumps("d.png") if format_ == "jsonl" else "d.png,4"
    longer = data + f"{ending}{added}{ending}".encode()
    reader = piped(longer, format_, checkpoint=checkpoints[-1])
    [row] = reader
    line = (rows[-1].line or 0) + 1
    assert row == rows_of(longer, format_)[-1]
    assert (row.number, row.line) == (4, line)
    assert reader.checkpoint.line == line
    assert list(piped(longer, format_, checkpoint=reader.checkpoint)) == []


@pytest.mark.parametrize("format_", LISTS)
def test_a_last_line_that_has_grown_is_told(format_: str) -> None:
    """What was read as b.png and is b.png.bak now was another image."""
    data = LISTS[format_].encode()
    rows, checkpoints = checkpointed(data, format_)
    with pytest.raises(InputError, match=rf"line {rows[-1].line}, its last line then, is longer"):
        piped(data + b"x\n", format_, checkpoint=checkpoints[-1])


@pytest.mark.parametrize("format_", LISTS)
def test_the_message_says_before_which_line_it_differs(format_: str) -> None:
    """I look at my file there, put it back, or begin anew."""
    data = LISTS[format_].encode()
    rows, checkpoints = checkpointed(data, format_)
    line = f"{rows[1].line or 0:,}"
    for change, how in ((b"A.png", "differs"), (b"", "ends|differs")):
        changed = data.replace(b"a.png", change, 1)
        with pytest.raises(
            InputError, match=rf"standard input has changed.*({how}) before line {line}"
        ):
            piped(changed, format_, checkpoint=checkpoints[1])
    with pytest.raises(InputError, match="ends before line"):
        piped(data[: checkpoints[1].offset - 1], format_, checkpoint=checkpoints[1])


def test_a_column_that_was_added_is_a_change() -> None:
    """The header is part of what comes before every row."""
    _, checkpoints = checkpointed(b"url\na\nb\n", "csv")
    with pytest.raises(InputError, match="it differs before line 3"):
        piped(b"url,a_very_long_name_of_a_column\na,1\nb,2\n", "csv", checkpoint=checkpoints[1])


def test_the_checkpoint_before_the_first_row_is_the_beginning() -> None:
    """A job that was stopped before its first row begins anew, whatever has become of the file."""
    for format_, data in LISTS.items():
        _, checkpoints = checkpointed(data.encode(), format_)
        assert checkpoints[0].number == 0
        assert sources_of(
            rows_of(data.replace("a.png", "z.png"), format_, checkpoint=checkpoints[0])
        ) == [
            "z.png",
            "b.png",
            "c.png",
        ]


def test_thousands_are_told_apart_in_messages() -> None:
    """31,001 is a line that can be found."""
    data = b"a.png\n" * 31_000
    _, checkpoints = checkpointed(data, "text")
    assert checkpoints[-1] == Checkpoint(31_000, 186_000, 31_000, checkpoints[-1].digest)
    with pytest.raises(InputError, match="it differs before line 31,001; restore it, or give an"):
        piped(b"b" + data[1:], "text", checkpoint=checkpoints[-1])
    [row] = rows_of(data + b"c.png", "text", checkpoint=checkpoints[-1])
    assert row == Row(31_001, "c.png", None, 31_001)
