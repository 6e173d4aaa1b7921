"""The temporary keys that were handed out, each for the folder of one account and day."""

from __future__ import annotations

import secrets
import time

import attrs

from aliocr.credentials import Credentials

BUCKET = "aliocr-emulator"
"""Name of the emulator's only bucket."""

LIFE = 3600.0
"""Time for which a temporary key is valid, in seconds. We chose this value, because the documents
have none; it is the usual life of the vendor's temporary keys."""

REMEMBERED = 10_000
"""Number of keys that are remembered. The oldest key is forgotten first."""


@attrs.define
class UploadKey:
    """A temporary key; `expires` is in seconds since the epoch."""

    credentials: Credentials
    uid: str
    folder: str
    expires: float


class UploadKeys:
    """The temporary keys of one emulator; `life` is the life of the next keys, in seconds."""

    def __init__(self) -> None:
        self.life = LIFE
        self._keys: dict[str, UploadKey] = {}

    def hand_out(self, uid: str, now: float) -> UploadKey:
        """Return a new key for an account; `now` is in seconds since the epoch."""
        made = Credentials(
            f"STS.{secrets.token_hex(12)}", secrets.token_hex(22), secrets.token_urlsafe(96)
        )
        day = time.strftime("%Y%m%d", time.gmtime(now))
        key = UploadKey(made, uid, f"upload/{uid}/{day}", now + self.life)
        self._keys[made.access_key_id] = key
        if len(self._keys) > REMEMBERED:
            del self._keys[next(iter(self._keys))]
        return key

    def find(self, access_key_id: str) -> UploadKey | None:
        """Return the key with this id; None if it was never handed out."""
        return self._keys.get(access_key_id)

    def expire(self) -> None:
        """Let all keys that were handed out expire now."""
        for key in self._keys.values():
            key.expires = 0.0


def owner_of(key: str) -> str | None:
    """Return the number of the account in whose folder an object is; None for another key."""
    parts = key.split("/")
    return parts[1] if len(parts) > 3 and parts[0] == "upload" else None
