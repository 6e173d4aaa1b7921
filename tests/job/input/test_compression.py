"""Compressed lists: read as if they were unpacked, and never cut without a word."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from aliocr.job.errors import InputError
from aliocr.job.input.compression import ZSTD
from aliocr.job.input.opening import opened
from aliocr.job.input.rows import Row, RowOrBad
from tests.support.listing import piped, rows_in, rows_of, sources_of

LISTS = {
    "urls.csv": ("id,url\n", "{0},https://e.com/{0}.png\n"),
    "urls.tsv": ("id\turl\n", "{0}\thttps://e.com/{0}.png\n"),
    "urls.jsonl": ("", '{{"id": {0}, "url": "https://e.com/{0}.png"}}\n'),
    "urls.txt": ("", "https://e.com/{0}.png\n"),
}


def _zstd(data: bytes) -> bytes:
    """As the program zstd does, with a checksum."""
    zstd = pytest.importorskip(ZSTD)
    return bytes(zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": _zstd,
}


def text_of(name: str, rows: int) -> bytes:
    """A list of so many rows."""
    header, line = LISTS[name]
    return (header + "".join(line.format(number) for number in range(rows))).encode()


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("name", LISTS)
def test_a_compressed_list_has_the_rows_of_the_list(tmp_path: Path, name: str, suffix: str) -> None:
    """With their numbers and lines; the suffix before that of the compression says the format."""
    plain, packed = tmp_path / name, tmp_path / f"{name}{suffix}"
    plain.write_bytes(text_of(name, 300))
    packed.write_bytes(PACKERS[suffix](plain.read_bytes()))
    assert rows_in(packed) == rows_in(plain)
    assert rows_of(packed.read_bytes(), _format(name)) == rows_in(plain)
    # Browsers and buckets unpack a file and keep its name; others pack it and keep its name, too.
    packed.write_bytes(plain.read_bytes())
    expected = rows_in(plain)
    plain.write_bytes(PACKERS[suffix](plain.read_bytes()))
    assert rows_in(packed) == rows_in(plain) == expected


def _format(name: str) -> str:
    return {"csv": "csv", "tsv": "csv", "jsonl": "jsonl", "txt": "text"}[name.rpartition(".")[2]]


@pytest.mark.parametrize("suffix", PACKERS)
def test_parts_that_were_joined_are_one_list(suffix: str) -> None:
    """`cat a.gz b.gz` is a compressed file of both."""
    parts = [PACKERS[suffix](f"https://e.com/{number}.png\n".encode()) for number in range(3)]
    rows = rows_of(b"".join(parts), "text")
    assert sources_of(rows) == [f"https://e.com/{number}.png" for number in range(3)]


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_compressed_list_can_be_left_after_any_row(tmp_path: Path, suffix: str) -> None:
    """The next run reads it from the beginning, and proves that it is the same list."""
    path = tmp_path / f"urls.csv{suffix}"
    path.write_bytes(PACKERS[suffix](text_of("urls.csv", 50)))
    with closing(opened(path)) as reader:
        checkpoints = [reader.checkpoint, *(reader.checkpoint for _ in reader)]
        rows = rows_in(path)
    for checkpoint in checkpoints[::7]:
        with closing(opened(path)) as again:
            again.compare(checkpoints[-1])
            again.skip_to(checkpoint)
            assert list(again) == rows[checkpoint.number :]
    path.write_bytes(PACKERS[suffix](text_of("urls.csv", 50).replace(b"/3.", b"/4.")))
    with closing(opened(path)) as other, pytest.raises(InputError, match="differs before line 52"):
        other.compare(checkpoints[-1])


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_half_a_download_is_told_after_the_rows_that_came(
    tmp_path: Path, suffix: str, share: float
) -> None:
    """The list does not seem to end there, or the rows behind would be lost without a word."""
    path = tmp_path / f"urls.txt{suffix}"
    packed = PACKERS[suffix](text_of("urls.txt", 5_000))
    path.write_bytes(packed[: int(len(packed) * share)])
    rows: list[RowOrBad] = []
    said = rf"urls\.txt{suffix} cannot be read past line [\d,]+: its compressed bytes are cut off"
    with pytest.raises(InputError, match=said), closing(opened(path)) as reader:
        rows.extend(reader)
    assert rows == [Row(n, f"https://e.com/{n - 1}.png", None, n) for n in range(1, len(rows) + 1)]


@pytest.mark.parametrize("suffix", PACKERS)
def test_damage_is_told(tmp_path: Path, suffix: str) -> None:
    """By the checksums that the formats have."""
    path = tmp_path / f"urls.txt{suffix}"
    packed = PACKERS[suffix](text_of("urls.txt", 5_000))
    middle = len(packed) // 2
    path.write_bytes(packed[:middle] + b"\xff" * 99 + packed[middle + 99 :])
    with pytest.raises(InputError, match="its compressed bytes are cut off or damaged"):
        rows_in(path)


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_compressed_list_is_read_piece_by_piece(suffix: str) -> None:
    """A list that unpacks to any size takes no more memory than a short one."""
    reader = piped(PACKERS[suffix](b"https://e.com/1.png\n" * 100_000), "text")
    tracemalloc.start()
    try:
        assert sum(1 for _ in zip(reader, range(10_000), strict=False)) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_how_far_a_compressed_list_was_read_is_known(tmp_path: Path) -> None:
    """By its bytes on the disk, because its unpacked size is not known."""
    path = tmp_path / "urls.txt.gz"
    path.write_bytes(gzip.compress(text_of("urls.txt", 200_000)))
    with closing(opened(path)) as reader:
        shares = [reader.share or 0.0 for row in reader if row.number % 25_000 == 0]
    assert shares == sorted(shares)
    assert 0.1 < shares[0] < 0.5
    assert shares[-1] == 1.0


def test_without_the_extra_the_remedy_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that helps stands in the message."""
    monkeypatch.setitem(sys.modules, ZSTD, None)
    with pytest.raises(ImportError, match=r"pip install 'aliocr\[zstd\]'"):
        opened(io.BytesIO(b"\x28\xb5\x2f\xfd...."))


@pytest.mark.parametrize("name", ["t.parquet.gz", "t.parquet"])
def test_parquet_is_not_unpacked(tmp_path: Path, name: str) -> None:
    """It has a compression of its own; a packed file is refused with a word."""
    pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(InputError, match="is not a Parquet file"):
        opened(tmp_path / name)
