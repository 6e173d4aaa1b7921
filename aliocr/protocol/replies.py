"""Replies of the service, read leniently and part by part.

A field that is missing or not as documented affects only its own image.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import attrs
import msgspec

from aliocr.errors import OCRError, ResponseError, api_error
from aliocr.image_url import AMPERSAND_ADVICE, HTML_AMPERSAND
from aliocr.models import Frame, Image, Scan, with_lazy_regions
from aliocr.protocol import lenient
from aliocr.protocol.envelope import open_envelope
from aliocr.protocol.matching import Matcher
from aliocr.protocol.wire import (
    OK,
    SCENE,
    TURNS,
    UNREADABLE,
    FrameReading,
    ImageReply,
    Reading,
    SceneResult,
    WrittenRegions,
)
from aliocr.redaction import Secrets

_image_decoder = msgspec.json.Decoder(ImageReply, strict=False)

_NONE = Secrets()

ReplyPart: TypeAlias = Sequence[tuple[int, Scan | OCRError]]
"""Outcomes of some images of a request, with the images' places in the request, from 0."""

PART = 25
"""Number of elements of a reply that are read together. Reading them takes half as long as opening
the envelope. Smaller parts would need more rounds of the event loop. An element that is not as
documented costs as much as a whole part, so the part ends with this element."""


def decode_reply(
    status: int,
    body: bytes | bytearray,
    named: Mapping[str, Image],
    *,
    secrets: Secrets = _NONE,
    cut: OCRError | None = None,
    on_stale: Callable[[], None] = lambda: None,
) -> Iterator[ReplyPart]:
    """Return the outcome of each image of a request, once each, part by part.

    The envelope is opened immediately, in one pass over the bytes. Each part is read when the
    caller asks for it, so that other tasks can run in between.

    `matching` finds the image that an element is about. If there are several elements for an image,
    the first success counts; if there is no success, the first failure counts. So failures come
    only in the last part. An image without an element gets a `ResponseError`.

    Args:
        status: The HTTP status.
        body: The body, or as much of it as has come.
        named: The images by data id, as they were encoded.
        secrets: The values of the credentials, which no error may show.
        cut: The error that ended the body early, for the images that are not in the body; None if
            the body is whole.
        on_stale: Called if the reply belongs to another request, as far as it was read.

    Raises:
        OCRError: The whole request was refused or failed, or the reply is not from the service.
    """
    urls = (image.url for image in named.values())
    request_id, items = open_envelope(status, body, secrets, urls, cut)
    if items == ():
        raise cut or _missing(request_id, 0)
    return _parts(items, _Context(named, request_id, secrets, cut, on_stale))


@attrs.frozen
class _Context:
    """What all elements of a reply have in common; see `decode_reply`."""

    named: Mapping[str, Image]
    request_id: str | None
    secrets: Secrets
    cut: OCRError | None
    on_stale: Callable[[], None]

    @cached_property
    def all_secrets(self) -> Secrets:
        """The secrets of the request: the words about one image may quote another one's URL."""
        return self.secrets.and_of(image.url for image in self.named.values())


def _parts(items: Iterable[object], context: _Context) -> Iterator[ReplyPart]:
    named = context.named
    unread = {name: (place, image) for place, (name, image) in enumerate(named.items())}
    matcher = Matcher(named, alone=isinstance(items, tuple) and len(items) == 1)
    failed: dict[str, OCRError] = {}
    part: list[tuple[int, Scan | OCRError]] = []
    left = PART
    for item in items:
        left -= 1
        answer = _read_strictly(item)
        if answer is None:
            plain = lenient.parse(bytes(item)) if isinstance(item, msgspec.Raw) else item
            answer = lenient.read(plain, ImageReply)
            left = 0
        name = None if answer is None else matcher.name_of(answer)
        if answer is not None and name is not None and name in unread:
            place, image = unread[name]
            outcome = _outcome(answer, image, context)
            if isinstance(outcome, Scan):
                del unread[name]
                part.append((place, outcome))
            else:
                failed.setdefault(name, outcome)
        elif matcher.stale == 1 and len(unread) == len(named) and not failed:
            context.on_stale()
        if not left:
            yield part
            part, left = [], PART
    for name, (place, _) in unread.items():
        error = failed.get(name) or context.cut or _missing(context.request_id, matcher.stale)
        part.append((place, error))
    yield part


def _missing(request_id: str | None, stale: int) -> ResponseError:
    """Return the error of the images that a reply does not mention."""
    return ResponseError(
        "the reply does not mention this image"
        + (", but images of another request" if stale else ""),
        transient=True,
        maybe_charged=True,
        request_id=request_id,
    )


def _read_strictly(item: object) -> ImageReply | None:
    """Read one element of `data` straight into its class; None if it is not as documented."""
    if not isinstance(item, msgspec.Raw):  # the envelope was not as documented
        return None
    try:
        return _image_decoder.decode(item)
    except UNREADABLE:
        return None


def _outcome(answer: ImageReply, image: Image, context: _Context) -> Scan | OCRError:
    request_id = context.request_id
    if answer.code == 0:
        return ResponseError(
            "the answer for this image has no code", maybe_charged=True, request_id=request_id
        )
    if answer.code != OK:
        message = answer.msg or ""
        if HTML_AMPERSAND in image.url:
            message += AMPERSAND_ADVICE
        return api_error(answer.code, message, request_id=request_id, secrets=context.all_secrets)
    if not answer.results:
        return ResponseError(
            "the answer reports success but has no results",
            maybe_charged=True,
            request_id=request_id,
        )
    for result in answer.results:
        if result.scene == SCENE:
            break
    else:
        result = answer.results[0]
    label, suggestion = _verdict(result)
    frames = tuple(map(_frame, result.frames)) if result.frames else ()
    scan = Scan(
        image=image,
        text=_text(result) or "\n".join(frame.text for frame in frames if frame.text),
        frames=frames,
        label=label,
        suggestion=suggestion,
        rate=result.rate,
        task_id=answer.task_id,
        request_id=request_id,
        width=_size(result.width),
        height=_size(result.height),
        turn=result.turn if result.turn in TURNS else None,
    )
    return (
        with_lazy_regions(scan, WrittenRegions(result.ocr_locations))
        if result.ocr_locations
        else scan
    )


def _verdict(result: SceneResult) -> tuple[str | None, str | None]:
    """Return label and suggestion; those of another scene say nothing about the text."""
    if result.scene not in (None, SCENE):
        return None, None
    # `intern` keeps one copy of each word, even if a caller keeps a million scans.
    label = result.label and sys.intern(result.label)
    return label, result.suggestion and sys.intern(result.suggestion)


def _size(pixels: int | None) -> int | None:
    return pixels if pixels and pixels > 0 else None


def _frame(reading: FrameReading) -> Frame:
    text, found = _text(reading), reading.ocr_locations
    for inner in reading.results or ():  # not documented: the text one level deeper
        if not text:
            text, found = _text(inner), inner.ocr_locations
    frame = Frame(text=text, url=reading.url, rate=reading.rate)
    return with_lazy_regions(frame, WrittenRegions(found)) if found else frame


def _text(reading: Reading) -> str:
    """Return the text; if it is missing, join the regions: the documents promise only these."""
    if reading.ocr_data and any(reading.ocr_data):
        return "\n".join(reading.ocr_data)
    if reading.text or not reading.ocr_locations:
        return reading.text or ""
    return " ".join(region.text for region in WrittenRegions(reading.ocr_locations)())
