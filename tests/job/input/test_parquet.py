"""Tables of Parquet."""

from __future__ import annotations

import datetime as dt
import decimal
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aliocr.job.errors import InputError
from aliocr.job.input.opening import opened
from aliocr.job.input.rows import Row
from tests.support.listing import bad_of, rows_in, sources_of

LISTS = Path(__file__).parent / "lists"


@pytest.fixture
def pa() -> Any:
    """PyArrow, if the extra is there."""
    pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    return pa


def written(path: Path, columns: dict[str, Any], **more: Any) -> Path:
    """A Parquet file of these columns."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), path, **more)
    return path


def test_a_table_is_read_row_by_row(pa: Any, tmp_path: Path) -> None:
    """Texts and ids come out as they went in, numbers as text."""
    sources = [f"http://a/{n}.png" for n in range(10_000)]
    path = written(
        tmp_path / "t.parquet", {"id": list(range(10_000)), "x": sources, "url": sources}
    )
    rows = rows_in(path)
    assert sources_of(rows) == sources
    assert rows[9_999] == Row(10_000, "http://a/9999.png", "9999", None)


@pytest.mark.parametrize("group", [3, 4_096, 5_000, 20_000])
def test_it_can_be_left_after_any_row(pa: Any, tmp_path: Path, group: int) -> None:
    """Row groups before the checkpoint are skipped, and no row with them."""
    path = written(
        tmp_path / "t.pq", {"url": [str(n) for n in range(10_000)]}, row_group_size=group
    )
    reader = opened(path)
    checkpoints = [reader.checkpoint, *(reader.checkpoint for _ in reader)]
    assert reader.share == 1.0
    reader.close()
    for number in (0, 1, 2, 3, 4, 2_999, 4_095, 4_096, 4_097, 5_000, 9_999, 10_000):
        assert checkpoints[number].number == number
        again = opened(path)
        again.compare(checkpoints[-1])
        again.skip_to(checkpoints[number])
        assert again.share == number / 10_000
        assert sources_of(list(again)) == [str(n) for n in range(number, 10_000)]
        again.close()
        again.close()


def test_texts_of_every_kind_are_texts(pa: Any, tmp_path: Path) -> None:
    """Other writers store text as large strings, dictionaries or bare bytes."""
    kinds = [
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.large_binary(),
        pa.dictionary(pa.int32(), pa.string()),
    ]
    for kind in kinds:
        column = pa.array(["http://a/é.png", "b"], pa.string()).cast(kind)
        path = written(tmp_path / "t.parquet", {"url": column})
        assert sources_of(rows_in(path)) == ["http://a/é.png", "b"], kind


def test_ids_that_are_numbers_become_texts(pa: Any, tmp_path: Path) -> None:
    """They are names, not quantities."""
    for ids, names in (
        ([1, None], ["1", None]),
        ([1.5, 2.0], ["1.5", "2"]),  # pandas has 2.0 where other rows have no id
        ([1e20, 1e-7], ["100000000000000000000", "0.0000001"]),
        ([float("nan"), float("inf")], [None, None]),
        ([decimal.Decimal("1.20"), None], ["1.20", None]),
        (["x", ""], ["x", None]),
    ):
        path = written(tmp_path / "t.parquet", {"url": ["a", "b"], "ID": ids})
        assert [row.id for row in rows_in(path)] == names


def test_cells_without_an_image_are_bad_rows(pa: Any, tmp_path: Path) -> None:
    """Nothing, blanks and bytes that are no text are told by their row."""
    cells = pa.array([b"a", None, b"", b"\xff", b"b"], pa.binary())
    path = written(tmp_path / "t.parquet", {"url": cells})
    assert bad_of(rows_in(path)) == [
        (2, None, "url is empty"),
        (3, None, "url is empty"),
        (4, None, "url is not a text"),
    ]
    broken = pa.Array.from_buffers(pa.string(), 5, cells.buffers())
    path = written(tmp_path / "s.parquet", {"url": broken})
    assert [number for number, _, _ in bad_of(rows_in(path))] == [2, 3, 4]


@pytest.mark.parametrize(
    ("columns", "asked", "said"),
    [
        (
            {"a": ["x"], "b": ["x"]},
            {},
            r"give the column \(--column, or column= of a Job\), one of a, b",
        ),
        ({"url": ["x"]}, {"column": "x"}, "no column x; it has url"),
        ({"url": ["x"]}, {"id_column": "x"}, "no column x; it has url"),
        ({"url": [1]}, {}, "has int64 in its column url, not URLs or paths; give a column"),
        ({"image": [{"bytes": b"x", "path": "x"}]}, {}, "has struct<.*> in its column image"),
        (
            {"url": ["x"], "id": [[1]]},
            {"id_column": "id"},
            r"has list<.*> in its column id, which cannot be ids",
        ),
    ],
)
def test_columns_that_cannot_be_are_refused(
    pa: Any, tmp_path: Path, columns: dict[str, Any], asked: dict[str, Any], said: str
) -> None:
    """What there is, is listed; what a column holds, is said."""
    path = written(tmp_path / "t.parquet", columns)
    with pytest.raises(InputError, match=said) as refused:
        opened(path, **asked)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"url\nx\n", b"PAR1" + b"x" * 20 + b"\xff\0\0\0PAR1"])
def test_what_is_no_parquet_is_refused(pa: Any, tmp_path: Path, data: bytes) -> None:
    """A file with the wrong suffix, or half a download."""
    path = tmp_path / "t.parquet"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"t\.parquet is not a Parquet file"):
        opened(path)


def test_a_broken_footer_and_broken_pages_are_told(pa: Any, tmp_path: Path) -> None:
    """Damage is one sentence with the row it begins at, not a traceback of another library."""
    path = written(tmp_path / "t.parquet", {"url": [str(n) for n in range(10_000)]})
    whole = path.read_bytes()
    path.write_bytes(whole[:-40] + b"\xff" * 32 + whole[-8:])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        opened(path)
    path.write_bytes(whole[:4] + b"\xff" * 2_000 + whole[2_004:])
    with pytest.raises(InputError, match="cannot be read past row 0"):
        rows_in(path)


def test_another_table_is_told_from_the_one_of_the_checkpoint(pa: Any, tmp_path: Path) -> None:
    """Its footer knows where every column lies, so a table that was written anew is another."""
    path = written(tmp_path / "t.parquet", {"url": ["a", "b"]})
    reader = opened(path)
    next(iter(reader))
    checkpoint = reader.checkpoint
    reader.close()
    written(path, {"url": ["a", "b", "c"]})
    said = "has changed since this job began: its footer differs"
    with closing(opened(path)) as again:
        with pytest.raises(InputError, match=said):
            again.compare(checkpoint)
        with pytest.raises(InputError, match=said):
            again.skip_to(checkpoint)


def test_without_the_extra_the_remedy_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that helps stands in the message."""
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        ImportError, match=r"^Parquet needs PyArrow: pip install 'aliocr\[parquet\]'$"
    ):
        opened(path)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("bool", ["true"] * 4),
        ("null", [None] * 4),
        ("pandas", ["1", "2", None, "9007199254740992"]),
        ("ts", ["2026-01-01T00:00:00"] * 4),
        ("uuid", ["0154947a-fbee-4282-a655-d551c4c1df37"] * 4),
    ],
)
def test_ids_that_nobody_asked_for_sink_no_file(pa: Any, name: str, ids: list[str | None]) -> None:
    """Whatever a database calls its id, it is text in the output, and no image is lost."""
    for asked in ({}, {"id_column": "id"}):
        rows = rows_in(LISTS / f"p_id_{name}.parquet", **asked)
        assert sources_of(rows) == [f"https://e.com/{number}.png" for number in range(4)]
        assert [row.id for row in rows] == ids


def test_ids_of_every_type_are_text_or_are_left_out(pa: Any, tmp_path: Path) -> None:
    """Instants are those of UTC; what cannot be an id is said, and asked for, refused."""
    day, noon = dt.date(2026, 11, 1), dt.datetime(2026, 11, 1, 12, 0, 0, 250_000, dt.UTC)
    kinds: list[tuple[Any, Any, str | None]] = [
        (pa.timestamp("s"), noon.replace(microsecond=0), "2026-11-01T12:00:00"),
        (pa.timestamp("ms"), noon, "2026-11-01T12:00:00.250"),
        (pa.timestamp("us", tz="Asia/Shanghai"), noon, "2026-11-01T12:00:00.250000+00:00"),
        (pa.timestamp("ns"), 1_700_000_000_000_000_001, "2023-11-14T22:13:20.000000001"),
        (pa.date32(), day, "2026-11-01"),
        (pa.binary(3), b"abc", "abc"),
        (pa.binary(3), b"a\xff\0", "61ff00"),
        (pa.binary(), b"\xff", "ff"),
        (pa.uint64(), 2**64 - 1, "18446744073709551615"),
        (pa.decimal128(20, 2), decimal.Decimal("1E+2"), "100.00"),
        (pa.dictionary(pa.int32(), pa.string()), "x", "x"),
        (pa.dictionary(pa.int32(), pa.int64()), 7, "7"),
        (pa.large_string(), "x" * 257, None),
        (pa.list_(pa.int64()), [1], None),
        (pa.struct({"oid": pa.string()}), {"oid": "1"}, None),
        (pa.time64("us"), dt.time(1), None),
        (pa.duration("s"), 1, None),
    ]
    for kind, value, text in kinds:
        column = pa.array([value, None], kind)
        path = written(tmp_path / "t.parquet", {"url": ["a", "b"], "id": column})
        with closing(opened(path)) as reader:
            assert list(reader) == [Row(1, "a", text), Row(2, "b", None)], kind
            assert (text is None) == ("left out" in reader.note or "no ids" in reader.note), kind
