"""The values: an `Image` goes in, a `Scan` or `Failure` comes out. Frozen, checked when made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar

import attrs

from aliocr.checks import is_count, is_text
from aliocr.columns import NotFailed, NotRead, columns_of, needs_review, of_error, of_image
from aliocr.errors import OCRError
from aliocr.image_url import check, encoded
from aliocr.redaction import without_query

if TYPE_CHECKING:
    from aliocr.text.layout import Line

MAX_DATA_ID_CHARACTERS = 256
"""Maximum length of a data id, in characters. The OCR documents do not name it; the service's
message is `[task.dataId] is too long(>256)`."""

MAX_ASKED_FRAMES = 1_000_000
"""Maximum value of `interval` and `max_frames`. No picture of 20 MB has this many frames."""


def _sent(url: str) -> str:
    return encoded(url) if isinstance(url, str) else url


def _url(_: Image, __: attrs.Attribute[str], value: str) -> None:
    check(value)
    if not value.isascii():
        raise ValueError(
            f"url has a host or port that cannot be read: {without_query(value)[:80]!r}"
        )


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
        url: An http or https URL of at most 2,048 characters, reachable from the public Internet;
            or the `oss://` URL of a picture that you uploaded for the service.
            A URL as people have it is accepted: blanks and characters without width around it are
            removed, and blanks and characters beyond ASCII in it are percent-encoded, as browsers
            do. The attribute is the URL that is sent. The repr leaves out the query, because the
            query of a signed URL is a key.
        data_id: Your name for the image, 1 to 256 characters; None lets the library choose one.
            The service gets it with a tag of the request at its end.
        interval: For GIFs and long images: read one of every `interval` frames. Needs `max_frames`.
            If both are None, only the first frame is read.
        max_frames: Read (and pay for) at most this many frames. If they do not reach the end of the
            picture, the service makes `interval` larger.

    Raises:
        ValueError: A value that the service would refuse; the message names field and value.

    Source: request parameters "url", "dataId", "interval", "maxFrames".
    """

    url: str = attrs.field(
        converter=_sent, validator=_url, repr=lambda url: repr(without_query(url))
    )
    data_id: str | None = attrs.field(default=None, validator=_data_id)
    interval: int | None = attrs.field(default=None, validator=_count)
    max_frames: int | None = attrs.field(default=None, validator=_count)

    def __attrs_post_init__(self) -> None:
        """Check that `interval` and `max_frames` are given together, as the service requires."""
        if (self.interval is None) != (self.max_frames is None):
            raise ValueError(
                "interval and max_frames must be given together, not "
                f"interval={self.interval} with max_frames={self.max_frames}"
            )

    @classmethod
    def of(cls, value: Any) -> Image:
        """Return the value if it is an `Image`; otherwise an `Image` of this URL."""
        return value if isinstance(value, Image) else cls(value)


@attrs.frozen
class Region:
    """One piece of text and its place.

    Args:
        text: The text.
        x: Left edge, in pixels from the left of the image.
        y: Upper edge, in pixels from the top of the image.
        w: Width, in pixels.
        h: Height, in pixels.

    Source: "ocrLocation".
    """

    text: str
    x: float
    y: float
    w: float
    h: float


class HasRegions:
    """Lazy attribute `regions`, which is decoded at its first use.

    Regions are nine tenths of a reply, and many callers want only the text. At first the attribute
    is missing, so Python calls `__getattr__`; later it is a normal attribute.
    """

    __slots__ = ("_unread",)

    if not TYPE_CHECKING:  # if a type checker sees `__getattr__`, it accepts every attribute

        def __getattr__(self, name: str) -> object:
            """Decode the regions; for another name, raise the usual error."""
            # A second thread finds either the undecoded regions or the decoded regions.
            if name == "regions" and (read := self._unread) is not None:
                object.__setattr__(self, "regions", read())
                object.__setattr__(self, "_unread", None)
            return object.__getattribute__(self, name)


@attrs.frozen
class Frame(HasRegions):
    """One captured frame of a GIF or long image.

    Args:
        text: All text of the frame.
        regions: The pieces of text, in the service's order; may be empty although there is text.
        url: A temporary address of the captured frame, if the service gave one.
        rate: Confidence in percent; the service says to ignore it for OCR.
    """

    text: str
    regions: tuple[Region, ...] = ()
    url: str | None = attrs.field(
        default=None, repr=lambda url: repr(without_query(url) if url else url)
    )
    rate: float | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """The text line by line in reading order, computed at each use."""
        from aliocr.text.layout import lines_of  # noqa: PLC0415 - loaded at the first use

        return lines_of(self)


@attrs.frozen
class Scan(HasRegions, NotFailed):
    """The text of one image; `str(scan)` is this text.

    Args:
        image: The image: the same object that the caller gave.
        text: All text joined; empty if there is no text.
        regions: The pieces of text with their places, in the service's order.
        frames: The captured frames, in order; empty if only one frame was captured.
        label: `"ocr"` if there is text, `"normal"` if there is no text; None if the service gave
            no label.
        suggestion: `"review"` or `"pass"`, by the moderation policy; None if the service gave no
            suggestion. See `needs_review`.
        rate: Confidence in percent; the service says to ignore it for OCR.
        task_id: The id that the service gave the work on this image.
        request_id: The service's id of the request that carried the image.
        width: Width of the picture in pixels, as its regions count it: as its EXIF data turn it.
            None if it is not known; the service does not say it, the emulator can.
        height: Height of the picture in pixels, like `width`.
        turn: Angle in degrees, 0, 90, 180 or 270, by which the picture must be turned clockwise so
            that its text is upright; None if it is not known. The regions are those of the picture
            that was given; `lines` are read as on the turned picture.

    Source: response parameters "result".
    """

    image: Image
    text: str
    regions: tuple[Region, ...] = ()
    frames: tuple[Frame, ...] = ()
    label: str | None = None
    suggestion: str | None = None
    rate: float | None = None
    task_id: str | None = None
    request_id: str | None = None
    width: int | None = None
    height: int | None = None
    turn: int | None = None
    ok: Literal[True] = attrs.field(default=True, init=False, repr=False)

    def __str__(self) -> str:
        return self.text or "\n".join(self.lines)

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """The text line by line in reading order, computed at each use.

        Columns are read one after the other, tables row by row, and vertical Chinese and Japanese
        from the right column to the left. If a region has two lines, one of either column, each
        line has its own part of the region. If the frames have more text than
        the whole picture, the frames are read in order instead of the picture. A frame that repeats
        the text of the frame before it is left out.
        """
        from aliocr.text.layout import lines_of  # noqa: PLC0415 - loaded at the first use

        return lines_of(self, self.frames, turn=self.turn, size=(self.width, self.height))

    @property
    def needs_review(self) -> bool:
        """True if a person should look at the image: the service did not suggest to let it pass.

        True as well if there is text and the service suggested nothing.
        """
        return needs_review(self)

    def to_dict(self, *, whole_urls: bool = False) -> dict[str, Any]:
        """Return the outcome as plain values: the keys of `aliocr.COLUMNS`, in this order.

        A text is empty and a list has no items where there is nothing; other values are None.

        Args:
            whole_urls: Keep the queries of URLs, which may be keys to the images.
        """
        values = {name: getattr(self, name) for name in attrs.fields_dict(Scan)}
        values |= of_image(self.image) | {"needs_review": self.needs_review}
        return columns_of(values, whole_urls=whole_urls)


H = TypeVar("H", bound=HasRegions)


def with_lazy_regions(found: H, read: Callable[[], tuple[Region, ...]]) -> H:
    """Make the regions of an object lazy, and return the object.

    Args:
        found: A frame or scan that was just made.
        read: Decodes the regions; must not raise.
    """
    object.__delattr__(found, "regions")
    object.__setattr__(found, "_unread", read)
    return found


def undecoded_regions(found: HasRegions) -> Callable[[], tuple[Region, ...]] | None:
    """Return the function that decodes the regions; None if they are decoded already."""
    read: Callable[[], tuple[Region, ...]] | None = getattr(found, "_unread", None)
    return read


@attrs.frozen
class Failure(NotRead):
    """One image that was not read, after all its tries; `str(failure)` is the reason.

    Args:
        image: The image: the same object that the caller gave.
        error: The reason.
    """

    image: Image
    error: OCRError
    ok: Literal[False] = attrs.field(default=False, init=False, repr=False)

    def __str__(self) -> str:
        return str(self.error)

    @property
    def needs_review(self) -> Literal[True]:
        """True, because the service has not judged the image."""
        return True

    @property
    def request_id(self) -> str | None:
        """The service's id of the request; None if the service sent none."""
        return self.error.request_id

    def to_dict(self, *, whole_urls: bool = False) -> dict[str, Any]:
        """Return the outcome as plain values, under the same keys as `Scan.to_dict`.

        Args:
            whole_urls: Keep the query of the URL, which may be a key to the image.
        """
        values = of_image(self.image) | of_error(self.error)
        return columns_of(values | {"ok": False, "needs_review": True}, whole_urls=whole_urls)


Outcome: TypeAlias = Scan | Failure
"""The outcome of an image; its attribute `ok` tells which of the two it is."""


class FailedRow(Protocol):
    """A row of an output whose image was not read, such as an `aliocr.Unread`."""

    @property
    def ok(self) -> Literal[False]:
        """False, because the picture was not read."""

    @property
    def error(self) -> str:
        """The message of the error."""

    @property
    def transient(self) -> bool:
        """True if another try may succeed."""

    @property
    def maybe_charged(self) -> bool:
        """True if at least one try may have been charged."""


def error_of(failed: Failure | FailedRow) -> OCRError:
    """Return the error to raise for a failure where a picture is needed that was read."""
    if isinstance(failed, Failure):
        return failed.error
    return OCRError(failed.error, transient=failed.transient, maybe_charged=failed.maybe_charged)
