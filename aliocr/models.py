"""What goes in (`Image`) and what comes out (`Scan` or `Failure`): frozen, validated at birth."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

import attrs

from aliocr.checks import is_count, is_text
from aliocr.errors import OCRError, without_query

if TYPE_CHECKING:
    from aliocr.text.layout import Line

MAX_URL_CHARACTERS = 2048
"""Source: request parameter "url"."""

MAX_DATA_ID_CHARACTERS = 256
"""Not in the OCR documents; the service's own message is `[task.dataId] is too long(>256)`."""


MAX_ASKED_FRAMES = 1_000_000
"""Of `interval` and `max_frames`: more than any picture of 20 MB has that somebody wants read."""


def _url(_: Image, __: attrs.Attribute[str], value: str) -> None:
    if not isinstance(value, str):
        kind = type(value).__name__
        raise ValueError(f"url must be a string, not a {kind}")  # noqa: TRY004
    if len(value) > MAX_URL_CHARACTERS:
        problem = f"has {len(value)} characters; the service takes {MAX_URL_CHARACTERS}"
    else:
        problem = _problem_of(value)
    if problem:
        raise ValueError(f"url {problem}: {without_query(value)[:80]!r}")


# What follows a user and password, which no cache should hold.
_ADDRESS = re.compile(r"https?://(?:[^/?#\\[\]]*@)?([^/?#]*)", re.ASCII | re.IGNORECASE)


def _problem_of(url: str) -> str:
    found = _ADDRESS.match(url)
    if found is None:
        return "must start with http:// or https:// (the service downloads the image itself)"
    if not url.isprintable() or " " in url:
        return "holds a space or a character that cannot be printed; percent-encode it"
    return _problem_of_address(found[1])


@lru_cache(maxsize=1024)  # many images, few hosts, and parsing is most of what an image costs
def _problem_of_address(address: str) -> str:
    try:
        parts = urlsplit(f"http://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return "has a host or port that cannot be read"
    if not host or "\\" in parts.netloc:
        return "names no host"
    return "" if port != 0 else "names port 0"


def _data_id(_: Image, __: attrs.Attribute[str | None], value: str | None) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_DATA_ID_CHARACTERS:
        raise ValueError(
            f"data_id must be a string of 1 to {MAX_DATA_ID_CHARACTERS} characters, not {value!r}"
        )
    if not is_text(value):
        raise ValueError(f"data_id cannot be written as UTF-8: {value!r}")


def _count(_: Image, attribute: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None and (not is_count(value, 1) or value > MAX_ASKED_FRAMES):
        raise ValueError(
            f"{attribute.name} must be a whole number from 1 to {MAX_ASKED_FRAMES:,}, not {value!r}"
        )


@attrs.frozen
class Image:
    """One image to read.

    Args:
        url: http or https, at most 2,048 characters, reachable from the public Internet. Its query
            is left out of the repr, because that of a signed URL is a key.
        data_id: Your own name for the image, 1 to 256 characters; None lets the library choose.
        interval: For GIFs and long images: read one frame of every `interval`. Goes with
            `max_frames`; None for both reads the first frame only.
        max_frames: Read (and pay for) at most so many frames. The service widens `interval` until
            they cover the picture.

    Raises:
        ValueError: A value the service would refuse; the message names field and value.

    Source: request parameters "url", "dataId", "interval", "maxFrames".
    """

    url: str = attrs.field(validator=_url, repr=lambda url: repr(without_query(url)))
    data_id: str | None = attrs.field(default=None, validator=_data_id)
    interval: int | None = attrs.field(default=None, validator=_count)
    max_frames: int | None = attrs.field(default=None, validator=_count)

    def __attrs_post_init__(self) -> None:
        """Check the pair: one without the other means nothing to the service."""
        if (self.interval is None) != (self.max_frames is None):
            raise ValueError(
                "interval and max_frames go together, not "
                f"interval={self.interval} with max_frames={self.max_frames}"
            )

    @classmethod
    def of(cls, value: Any) -> Image:
        """The value itself if it is an `Image`, else an `Image` of that URL."""
        return value if isinstance(value, Image) else cls(value)


@attrs.frozen
class Region:
    """One piece of text and where it stands.

    Args:
        text: The text.
        x: Left edge, in pixels from the left of the image.
        y: Upper edge, in pixels from the top of the image.
        w: Width in pixels.
        h: Height in pixels.

    Source: "ocrLocation".
    """

    text: str
    x: float
    y: float
    w: float
    h: float


class HasRegions:
    """What has `regions`, and may have been told to read them when they are first asked for.

    They are nine tenths of a reply, and many callers want the text alone. Until then their place is
    empty, which makes Python ask `__getattr__`; afterwards they are an attribute like any other.
    """

    __slots__ = ("_unread",)

    if not TYPE_CHECKING:  # a checker would believe in every attribute

        def __getattr__(self, name: str) -> object:
            """The regions, at their first use; for another name the usual error."""
            # A second thread that comes in meanwhile finds either what to read, or the regions.
            if name == "regions" and (read := self._unread) is not None:
                object.__setattr__(self, "regions", read())
                object.__setattr__(self, "_unread", None)
            return object.__getattribute__(self, name)


@attrs.frozen
class Frame(HasRegions):
    """One captured frame of a GIF or long image.

    Args:
        text: All text of the frame.
        regions: Its pieces, as the service gave them; may be empty though there is text.
        url: A temporary address of the captured frame, if the service gave one.
        rate: The service's confidence in percent; it says to ignore it for OCR.
    """

    text: str
    regions: tuple[Region, ...] = ()
    url: str | None = attrs.field(
        default=None, repr=lambda url: repr(without_query(url) if url else url)
    )
    rate: float | None = None

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """Its text line by line in reading order, worked out anew each time."""
        from aliocr.text.layout import lines_of  # noqa: PLC0415 - who never asks does not wait for it

        return lines_of(self)


@attrs.frozen
class Scan(HasRegions):
    """What the service read in one image.

    Args:
        image: The image, the very object that was asked for.
        text: All text joined; empty if there is none.
        regions: The pieces of text with their places, in the service's order.
        frames: The captured frames, in order; empty unless more than one was captured.
        label: `"ocr"` for text, `"normal"` for none.
        suggestion: `"review"` or `"pass"`: the moderation policy's view, see `needs_review`.
        rate: Confidence in percent; the service says to ignore it for OCR.
        task_id: The service's id of this image's work.
        request_id: The service's id of the request it travelled in.

    Source: response parameters "result".
    """

    image: Image
    text: str
    regions: tuple[Region, ...] = ()
    frames: tuple[Frame, ...] = ()
    label: str = "normal"
    suggestion: str = "pass"
    rate: float | None = None
    task_id: str | None = None
    request_id: str | None = None
    ok: Literal[True] = attrs.field(default=True, init=False, repr=False)

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """The text line by line in reading order, worked out anew each time.

        Columns are read one after the other, tables by rows. Of several frames it is the text of
        each in turn, unless the picture as a whole says as much; one that says the same as the
        frame before is left out.
        """
        from aliocr.text.layout import lines_of  # noqa: PLC0415 - as above

        return lines_of(self, self.frames)

    @property
    def needs_review(self) -> bool:
        """The service suggests that a person looks at the text."""
        return self.suggestion == "review"


H = TypeVar("H", bound=HasRegions)


def with_unread(found: H, read: Callable[[], tuple[Region, ...]]) -> H:
    """The same object, as new as it must be, whose regions are read when first asked for.

    Args:
        found: A frame, scan or the like that nobody has seen yet.
        read: Gives the regions; must not raise.
    """
    object.__delattr__(found, "regions")
    object.__setattr__(found, "_unread", read)
    return found


def unread(found: HasRegions) -> Callable[[], tuple[Region, ...]] | None:
    """What reads the regions when they are asked for; None if they have been read already."""
    read: Callable[[], tuple[Region, ...]] | None = getattr(found, "_unread", None)
    return read


@attrs.frozen
class Failure:
    """One image that was not read, after the tries it was allowed.

    Args:
        image: The image, the very object that was asked for.
        error: Why.
    """

    image: Image
    error: OCRError
    ok: Literal[False] = attrs.field(default=False, init=False, repr=False)


Outcome: TypeAlias = Scan | Failure
"""What becomes of an image: test `.ok`."""
