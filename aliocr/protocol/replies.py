"""Replies of the service, read leniently and part by part.

A field that is missing or not as documented affects only its own image.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from aliocr.errors import OCRError, ResponseError, api_error, undocumented_error
from aliocr.models import Frame, Image, Scan, with_lazy_regions
from aliocr.protocol import lenient
from aliocr.protocol.wire import (
    OK,
    SCENE,
    UNREADABLE,
    Envelope,
    FrameReading,
    ImageReply,
    Reading,
    WrittenRegions,
)

_envelope_decoder = msgspec.json.Decoder(Envelope, strict=False)
_image_decoder = msgspec.json.Decoder(ImageReply, strict=False)

ReplyPart: TypeAlias = Sequence[tuple[int, Scan | OCRError]]
"""Outcomes of some images of a request, with the images' places in the request, from 0."""

PART = 25
"""Number of elements of a reply that are read together. Reading them takes half as long as opening
the envelope. Smaller parts would need more rounds of the event loop. An element that is not as
documented costs as much as a whole part, so the part ends with this element."""


def decode_reply(status: int, body: bytes, named: Mapping[str, Image]) -> Iterator[ReplyPart]:
    """Return the outcome of each image of a request, once each, part by part.

    The envelope is opened immediately, in one pass over the bytes. Each part is read when the
    caller asks for it, so that other tasks can run in between.

    Elements are matched to images only by data id. An element with an unknown data id is ignored.
    If a data id occurs twice, the first success counts; if there is no success, the first failure
    counts. So failures come only in the last part. An image without an element gets a
    `ResponseError`.

    Args:
        status: The HTTP status.
        body: The whole body.
        named: The images by data id, as they were encoded.

    Raises:
        OCRError: The whole request was refused or failed, or the reply is not from the service.
    """
    envelope, items = _open_envelope(status, body)
    return _parts(items, named, envelope.request_id)


def _parts(
    items: Sequence[object], named: Mapping[str, Image], request_id: str | None
) -> Iterator[ReplyPart]:
    unread = {name: (place, image) for place, (name, image) in enumerate(named.items())}
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
        if answer is not None and answer.data_id is not None and answer.data_id in unread:
            place, image = unread[answer.data_id]
            outcome = _outcome(answer, image, request_id)
            if isinstance(outcome, Scan):
                del unread[answer.data_id]
                part.append((place, outcome))
            else:
                failed.setdefault(answer.data_id, outcome)
        if not left:
            yield part
            part, left = [], PART
    for name, (place, _) in unread.items():
        missing = "the reply does not mention this image"
        error = failed.get(name) or ResponseError(
            missing, transient=True, maybe_charged=True, request_id=request_id
        )
        part.append((place, error))
    yield part


def _open_envelope(status: int, body: bytes) -> tuple[Envelope, Sequence[object]]:
    """Open the envelope; return it with its unread elements.

    Raises:
        OCRError: The reply refuses the whole request, or is not a reply of the service.
    """
    if status == OK:
        try:
            envelope = _envelope_decoder.decode(body)
        except UNREADABLE:
            pass
        else:
            if envelope.code == OK:
                return envelope, envelope.data or ()
    # All names are compared in lower case, because in the documents the tables have capitals and
    # the samples do not. Refusals of the gateway have `Code` and `Message`; refusals of the service
    # have `code` and `msg`.
    fields = lenient.fields_of(lenient.parse(body))
    code = lenient.whole_number(fields.get("code")) or lenient.string(fields.get("code"))
    message = lenient.string(fields.get("msg") or fields.get("message")) or ""
    request_id = lenient.string(fields.get("requestid"))
    if not code:
        raise undocumented_error(status, body)
    if status == OK and code == OK:
        data = fields.get("data")
        found = Envelope(code=OK, msg=message, request_id=request_id)
        return found, data if isinstance(data, list) else ()
    raise api_error(code, message, request_id=request_id, status=status)


def _read_strictly(item: object) -> ImageReply | None:
    """Read one element of `data` straight into its class; None if it is not as documented."""
    if not isinstance(item, msgspec.Raw):  # the envelope was not as documented
        return None
    try:
        return _image_decoder.decode(item)
    except UNREADABLE:
        return None


def _outcome(answer: ImageReply, image: Image, request_id: str | None) -> Scan | OCRError:
    if answer.code == 0:
        return ResponseError(
            "the answer for this image has no code", maybe_charged=True, request_id=request_id
        )
    if answer.code != OK:
        return api_error(answer.code, answer.msg or "", request_id=request_id)
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
    frames = tuple(map(_frame, result.frames)) if result.frames else ()
    scan = Scan(
        image=image,
        text=_text(result) or "\n".join(frame.text for frame in frames if frame.text),
        frames=frames,
        # `intern` keeps one copy of each word, even if a caller keeps a million scans.
        label=result.label and sys.intern(result.label),
        suggestion=result.suggestion and sys.intern(result.suggestion),
        rate=result.rate,
        task_id=answer.task_id,
        request_id=request_id,
    )
    return (
        with_lazy_regions(scan, WrittenRegions(result.ocr_locations))
        if result.ocr_locations
        else scan
    )


def _frame(reading: FrameReading) -> Frame:
    frame = Frame(text=_text(reading), url=reading.url, rate=reading.rate)
    return (
        with_lazy_regions(frame, WrittenRegions(reading.ocr_locations))
        if reading.ocr_locations
        else frame
    )


def _text(reading: Reading) -> str:
    """Return the text; if it is missing, join the regions: the documents promise only these."""
    if reading.ocr_data:
        return "\n".join(reading.ocr_data)
    if not reading.ocr_locations:
        return ""
    return " ".join(region.text for region in WrittenRegions(reading.ocr_locations)())
