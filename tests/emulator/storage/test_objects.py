"""Objects in files: found by their account alone, bounded, and gone when the emulator stops."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from aliocr.emulator.storage.objects import ObjectStore, is_stored
from aliocr.errors import APIError

UID = "1234567890123456"


def put(store: ObjectStore, key: str, data: bytes) -> None:
    """Store bytes as the handler does."""
    file = store.folder / "new.part"
    file.write_bytes(data)
    store.put(key, file, hashlib.sha256(data).hexdigest(), len(data))


def key(name: str, uid: str = UID) -> str:
    """A key in the folder of an account."""
    return f"upload/{uid}/20261201/images/{name}"


def url(name: str, uid: str = UID) -> str:
    """The URL of that object."""
    return f"oss://aliocr-emulator/{key(name, uid)}"


def code(store: ObjectStore, url: str) -> int | str:
    """The code of the error for a URL."""
    with pytest.raises(APIError) as caught:
        store.find(url, UID)
    return caught.value.code


def test_an_object_is_read_by_its_account_alone() -> None:
    """403 for an object of another account, whether it is there or not; 404 for none."""
    store = ObjectStore()
    put(store, key("a"), b"mine")
    put(store, key("a", "6543210987654321"), b"yours")
    assert store.find(url("a"), UID).read() == b"mine"
    assert store.find(url("a").replace("oss", "OSS"), UID).read() == b"mine"
    assert code(store, url("a", "6543210987654321")) == 403
    assert code(store, url("none", "6543210987654321")) == 403
    assert code(store, "oss://another/" + key("a")) == 403
    assert code(store, "oss://aliocr-emulator") == 403
    assert code(store, url("none")) == 404
    store.clear()


def test_names_of_files_are_digests() -> None:
    """Nothing of a key reaches the file system; equal bytes are one file."""
    store = ObjectStore()
    for name in ("../../a", "b", "c"):
        put(store, key(name), b"same")
    assert [file.name for file in store.folder.iterdir()] == [hashlib.sha256(b"same").hexdigest()]
    store.forget(key("b"))
    assert store.find(url("c"), UID).read() == b"same"
    put(store, key("c"), b"other")
    assert store.find(url("c"), UID).read() == b"other"
    store.forget(key("../../a"))
    assert len(list(store.folder.iterdir())) == len(store) == 1
    store.clear()


def test_the_oldest_objects_are_dropped() -> None:
    """The sum of the sizes of all files is bounded; equal bytes count once."""
    store = ObjectStore(max_bytes=25)
    for number in range(4):
        put(store, key(f"{number}"), b"0123456789" if number < 2 else b"x" * (number + 8))
    assert code(store, url("0")) == code(store, url("1")) == 404
    assert store.find(url("3"), UID).size == 11
    store.clear()


def test_the_directory_is_removed_at_the_end() -> None:
    """And an object that goes while a scan waits for it is 404."""
    store = ObjectStore()
    put(store, key("a"), b"bytes")
    found, folder = store.find(url("a"), UID), store.folder
    store.clear()
    assert not folder.exists()
    with pytest.raises(APIError, match="NOT_FOUND"):
        found.read()
    assert code(store, url("a")) == 404
    put(store, key("a"), b"again")
    assert store.find(url("a"), UID).read() == b"again"
    store.clear()
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("url", "stored"),
    [("oss://b/k", True), ("OSS://b/k", True), ("https://b/k", False), ("ossx://b/k", False)],
)
def test_an_object_is_known_by_its_scheme(url: str, *, stored: bool) -> None:
    """In any case, as for other URLs."""
    assert is_stored(url) is stored
