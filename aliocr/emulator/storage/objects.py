"""The objects that were uploaded: files in a temporary directory, named by their digest.

The key of an object comes from a client, so it never becomes a part of a file's name.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import attrs

from aliocr.emulator.codes import image_error
from aliocr.emulator.storage.upload_keys import BUCKET, owner_of
from aliocr.errors import APIError

SCHEME = "oss://"

MAX_STORED_BYTES = 1024 * 1024 * 1024
"""Maximum size of all objects, in bytes; the oldest are dropped first. How long the service keeps
objects is not published."""


@attrs.frozen
class StoredObject:
    """One object; its bytes are in the file at `path`."""

    path: Path
    size: int

    def read(self) -> bytes:
        """Return the bytes.

        Raises:
            APIError: The object was dropped in the meantime.
        """
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            raise _gone() from None


class ObjectStore:
    """The objects of one emulator by key, the oldest first."""

    def __init__(self, max_bytes: int = MAX_STORED_BYTES) -> None:
        self._max_bytes = max_bytes
        self._objects: dict[str, StoredObject] = {}
        self._uses: Counter[Path] = Counter()
        self._size = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __len__(self) -> int:
        return len(self._objects)

    @property
    def folder(self) -> Path:
        """The directory of the files, also for files that are still being written."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="aliocr-uploads-")
        return Path(self._folder.name)

    def put(self, key: str, file: Path, digest: str, size: int) -> None:
        """Keep a file of the folder as the object of this key, under the name of its digest."""
        self.forget(key)
        stored = StoredObject(self.folder / digest, size)
        file.replace(stored.path)
        self._objects[key] = stored
        if not self._uses[stored.path]:
            self._size += size
        self._uses[stored.path] += 1
        while self._size > self._max_bytes and len(self._objects) > 1:
            self.forget(next(iter(self._objects)))

    def forget(self, key: str) -> None:
        """Drop the object of this key, if there is one."""
        stored = self._objects.pop(key, None)
        if stored is None:
            return
        self._uses[stored.path] -= 1
        if not self._uses[stored.path]:
            del self._uses[stored.path]
            self._size -= stored.size
            stored.path.unlink(missing_ok=True)

    def find(self, url: str, uid: str) -> StoredObject:
        """Return the object at an `oss://` URL, for the account with this number.

        Raises:
            APIError: 403 if the object would belong to somebody else; 404 if it is not there.
        """
        bucket, _, key = url[len(SCHEME) :].partition("/")
        if bucket != BUCKET or owner_of(key) != uid:
            words = "[task.url] the OSS path is not authorised: not uploaded by this account"
            raise image_error(403, words)
        stored = self._objects.get(key)
        if stored is None:
            raise _gone()
        return stored

    def clear(self) -> None:
        """Drop all objects, and remove the directory."""
        self._objects.clear()
        self._uses.clear()
        self._size = 0
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def is_stored(url: str) -> bool:
    """Return True for the URL of an object, as opposed to one of a host on the Internet."""
    return url[: len(SCHEME)].lower() == SCHEME


def _gone() -> APIError:
    return image_error(404, "the object is not in the storage")
