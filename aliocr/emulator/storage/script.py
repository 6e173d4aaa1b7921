"""The part of a test's script that is about uploads."""

from __future__ import annotations

from typing import Literal

from aliocr.checks import is_number, is_text
from aliocr.emulator.chaos import ConnectionFault
from aliocr.emulator.instructions import Instructions
from aliocr.emulator.storage.objects import SCHEME, ObjectStore, is_stored
from aliocr.emulator.storage.refusal import NO_VERSION_1, STORAGE_ERRORS, StorageRefused
from aliocr.emulator.storage.upload_keys import LIFE, UploadKeys

_BREAKS: dict[str, ConnectionFault] = {
    "drop": ConnectionFault.DROP,
    "hang": ConnectionFault.HANG,
}


class UploadScript:
    """Gives instructions about uploads; they happen to uploads whose signature is right."""

    def __init__(self) -> None:
        self._instructions = Instructions()
        self._upload_keys = UploadKeys()
        self._objects = ObjectStore()

    def fail_uploads(
        self, code: str, times: int | None = 1, *, message: str = "", ec: str = ""
    ) -> None:
        """Refuse uploads with an error of object storage.

        Args:
            code: The code, such as `"ServiceUnavailable"`, `"AccessDenied"` or
                `"RequestTimeTooSkewed"`.
            times: Number of uploads; None for all.
            message: The message; by default the documented message.
            ec: The number of the cause, such as `"0002-00000007"`; by default that of the code.
        """
        if code not in STORAGE_ERRORS:
            words = ", ".join(STORAGE_ERRORS)
            raise ValueError(f"code must be one of {words}, not {code!r}")
        if not is_text(message) or not is_text(ec):
            raise ValueError("message and ec must be strings that UTF-8 can encode")
        self._instructions.upload_faults.put(StorageRefused(code, message, ec=ec), times)

    def break_uploads(self, how: Literal["drop", "hang"], times: int | None = 1) -> None:
        """Close the connection in the middle of an upload, or never answer it.

        Args:
            how: `"drop"` closes the connection; `"hang"` takes the body and sends nothing.
            times: Number of uploads; None for all.
        """
        if how not in _BREAKS:
            raise ValueError(f"how must be one of {', '.join(_BREAKS)}, not {how!r}")
        self._instructions.upload_faults.put(_BREAKS[how], times)

    def delay_uploads(self, seconds: float, times: int | None = None) -> None:
        """Wait this many seconds before the body of an upload is read."""
        if not is_number(seconds) or seconds < 0:
            raise ValueError(f"seconds must be 0 or more, not {seconds!r}")
        self._instructions.upload_delays.put(seconds, times)

    def refuse_v1(self, times: int | None = None) -> None:
        """Refuse uploads with signature version 1, as the vendor does for new buckets."""
        words = "Signature version 1 is not supported."
        refused = StorageRefused("AccessDenied", words, ec=NO_VERSION_1)
        self._instructions.refused_versions.put(refused, times, "1")

    def refuse_v4(self, times: int | None = None) -> None:
        """Refuse uploads with signature version 4."""
        self._instructions.refused_versions.put(StorageRefused("SignatureDoesNotMatch"), times, "4")

    def expire_upload_keys(self) -> None:
        """Let all temporary keys that were handed out for uploads expire now."""
        self._upload_keys.expire()

    def set_upload_life(self, seconds: float = LIFE) -> None:
        """Set the life of the temporary keys that are handed out from now on, in seconds."""
        if not is_number(seconds) or not 0 < seconds <= 365 * 86_400:
            raise ValueError(f"seconds must be above 0 and at most a year, not {seconds!r}")
        self._upload_keys.life = seconds

    def forget_upload(self, url: str) -> None:
        """Remove an uploaded object; a scan of it is then answered with 404.

        Args:
            url: The URL of the object, `oss://…`, or `"*"` for all objects.

        Raises:
            ValueError: The URL is of another kind.
        """
        if url == "*":
            self._objects.clear()
        elif is_text(url) and is_stored(url):
            self._objects.forget(url[len(SCHEME) :].partition("/")[2])
        else:
            raise ValueError("url must be an oss:// URL, or '*'")
