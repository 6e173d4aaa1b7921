"""Pictures are found on this machine, and not mistaken for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from aliocr.export.originals import PictureFiles


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a few pictures in a few folders, and go to one of the folders."""
    for name in ("here/a.png", "job/b.png", "given/c.png", "given/shop/d e.png", "secret.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("a.png", "here/a.png"),
        ("b.png", "job/b.png"),
        ("gone/c.png", "given/c.png"),
        ("/gone/shop/d e.png", "given/shop/d e.png"),
        ("https://example.com/shop/d%20e.png?…", "given/shop/d e.png"),
        ("https://example.com/x/c.png", "given/c.png"),
        ("https://example.com/shop/e.png", None),
        ("https://example.com/%2e%2e/secret.png", None),
        ("../secret/../../given", None),
        ("https://[::1/c.png", None),
        ("a\0.png", None),
        ("x" * 5_000, None),
        ("", None),
    ],
)
def test_a_picture_is_found(source: str, found: str | None, files: Path) -> None:
    """From the current folder, beside the output, and by its end in the folder that is given."""
    path = PictureFiles(files / "job", files / "given").find(source)
    assert (path and path.resolve()) == (found and files / found)


def test_no_url_is_looked_for_unless_a_folder_is_given(files: Path) -> None:
    """A file of its name may be any file."""
    assert PictureFiles(files / "given").find("https://example.com/c.png") is None
