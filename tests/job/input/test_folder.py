"""The pictures of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from aliocr.job.errors import InputError
from aliocr.job.input.folder import SUFFIXES, FolderReader, Skipped, pictures_in
from aliocr.job.input.opening import opened
from aliocr.job.input.rows import Checkpoint, Row
from tests.support.listing import rows_in, sources_of


def filled(folder: Path, *names: str) -> Path:
    """The folder with such files in it."""
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def test_pictures_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Other entries of the folder are skipped, folders named like pictures too."""
    filled(tmp_path, "c.PNG", "a.jpg", "notes.txt", "b.webp", ".png")
    (tmp_path / "d.png").mkdir()
    rows = rows_in(tmp_path)
    assert rows[0] == Row(1, str(tmp_path / "a.jpg"), None, None)
    assert [Path(row.source).name for row in rows] == ["a.jpg", "b.webp", "c.PNG"]


def test_a_link_that_leads_nowhere_costs_nothing_else(tmp_path: Path) -> None:
    """Pictures beside a link to itself, or to what is gone, are read; the links are skipped."""
    filled(tmp_path, "a.png")
    (tmp_path / "itself.png").symlink_to("itself.png")
    (tmp_path / "gone.png").symlink_to("was.png")
    (tmp_path / "there.png").symlink_to("a.png")
    assert [Path(source).name for source in sources_of(rows_in(tmp_path))] == ["a.png", "there.png"]
    assert pictures_in(tmp_path) == (["a.png", "there.png"], Skipped(others=2))


def test_folders_in_the_folder_are_searched(tmp_path: Path) -> None:
    """In a fixed order; hidden entries are skipped, and links to folders, which may have no end."""
    for inner in ("b/c", "a", ".git"):
        (tmp_path / inner).mkdir(parents=True)
    filled(
        tmp_path, "b.png", "b/1.png", "b/c/2.jpg", "a/3.gif", ".git/4.png", "a/._3.gif", "a/t.md"
    )
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    names = ["a/3.gif", "b.png", "b/1.png", "b/c/2.jpg"]
    assert pictures_in(tmp_path) == (names, Skipped(others=4))
    assert [row.source for row in rows_in(tmp_path)] == [str(tmp_path / name) for name in names]


def test_drawings_beside_their_pictures_are_not_read_again(tmp_path: Path) -> None:
    """Those that lost their picture have a mark; another picture of such a name is read."""
    filled(tmp_path, "a.jpg", "a.boxes.png", "mine.boxes.png", "lost.boxes.png")
    (tmp_path / "lost.boxes.png").write_bytes(b"\x89PNG\0\0\0\x14tEXtSoftware\0aliocr draw")
    names, skipped = pictures_in(tmp_path)
    assert (names, skipped) == (["a.jpg", "mine.boxes.png"], Skipped(drawings=2))
    assert str(skipped) == "2 skipped: drawings of `aliocr draw`"


def test_an_old_job_of_a_folder_goes_on(tmp_path: Path) -> None:
    """Its pictures keep their rows, though drawings among them would not be read today."""
    (tmp_path / "sub").mkdir()
    filled(tmp_path, "a.png", "a.boxes.png", "sub/b.jfif")
    reader = opened(tmp_path, known=["a.boxes.png", "a.png"])
    assert isinstance(reader, FolderReader)
    assert reader.names == ("a.boxes.png", "a.png", "sub/b.jfif")


def test_the_suffixes_are_those_of_the_formats() -> None:
    """All that the decoder knows for the formats that it reads, and that browsers save."""
    pillow = pytest.importorskip("PIL.Image")
    opening = pytest.importorskip("aliocr.pictures.opening")
    known = {end for end, form in pillow.registered_extensions().items() if form in opening.FORMATS}
    assert known | {".pjp", ".pjpeg"} == SUFFIXES


def test_a_picture_keeps_its_number_when_others_come_and_go(tmp_path: Path) -> None:
    """The results of the first run stay joined to their pictures in the second."""
    filled(tmp_path, "b.png", "d.png")
    reader = opened(tmp_path)
    assert isinstance(reader, FolderReader)
    assert reader.names == ("b.png", "d.png")
    next(iter(reader))
    assert reader.checkpoint == Checkpoint(1, 1, 0, "")
    filled(tmp_path, "a.png", "c.png")
    (tmp_path / "b.png").unlink()
    again = opened(tmp_path)
    assert isinstance(again, FolderReader)
    again.keep_numbers(reader.names)
    again.skip_to(reader.checkpoint)
    assert again.names == ("b.png", "d.png", "a.png", "c.png")
    assert again.share == 0.25
    assert [(row.number, Path(row.source).name) for row in again] == [
        (2, "d.png"),
        (3, "a.png"),
        (4, "c.png"),
    ]
    assert again.share == 1.0
    again.close()


def test_names_in_any_encoding_are_names(tmp_path: Path) -> None:
    """A file system knows bytes; a picture is found under its name nevertheless."""
    name = "caf\udce9.png"
    try:
        filled(tmp_path, name)
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system knows text only")
    [source] = sources_of(rows_in(tmp_path))
    assert Path(source).is_file()


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    """Most likely it is the wrong one."""
    filled(tmp_path, "notes.txt")
    with pytest.raises(InputError, match=r"no pictures; .* end in \.apng, \.bmp") as refused:
        opened(tmp_path)
    assert str(tmp_path) in str(refused.value)


def test_a_folder_whose_pictures_all_went_is_still_worked_off(tmp_path: Path) -> None:
    """The rows of earlier runs are given; they fail when their pictures are opened."""
    reader = opened(tmp_path, known=["a.png"])
    assert sources_of(list(reader)) == [str(tmp_path / "a.png")]


def test_a_checkpoint_needs_the_names_before_it(tmp_path: Path) -> None:
    """Without the names it is unknown which pictures were read."""
    filled(tmp_path, "a.png")
    with pytest.raises(InputError, match="but only the names of 0 pictures are known"):
        opened(tmp_path).skip_to(Checkpoint(1, 1, 0, ""))
