"""The suffix of a target chooses the format."""

from __future__ import annotations

from pathlib import Path

import pytest

from aliocr.export.formats import FOLDER, FORMATS, format_of


@pytest.mark.parametrize("target", ["hocr", "new/hocr/", "new.pages/", ".pdf"])
def test_a_folder_is_one(target: str) -> None:
    """With a slash at the end or without a suffix."""
    assert format_of(target) is FOLDER


def test_a_folder_that_is_there_is_one(tmp_path: Path) -> None:
    """Whatever its name."""
    (tmp_path / "pages.docx").mkdir()
    assert format_of(str(tmp_path / "pages.docx")) is FOLDER


def test_each_suffix_has_one_format() -> None:
    """In upper case, too; each is named where a suffix is unknown."""
    suffixes = [suffix for each in FORMATS for suffix in each.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    for each in FORMATS:
        for suffix in each.suffixes:
            assert format_of(f"pages{suffix.upper()}") is each
    with pytest.raises(ValueError, match=r"the suffix \.docx is unknown: give ") as caught:
        format_of("pages.docx")
    assert all(suffix in str(caught.value) for suffix in suffixes)


@pytest.mark.parametrize("target", ["", "-"])
def test_what_is_no_name_is_refused(target: str) -> None:
    """An empty variable of a shell, and standard output."""
    with pytest.raises(ValueError, match="give its name"):
        format_of(target)
