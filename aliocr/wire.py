"""Models ⇄ the JSON of the service, both directions; the one place that knows its field names.

The client encodes requests and decodes replies; the emulator decodes requests and encodes replies.
One class describes each object, for both. Decoding a reply is tolerant: what it lacks or mistypes
costs at most the image it belongs to.

Source: "Request parameters", "Response parameters"; "Common parameters" for the envelope.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

import msgspec

from aliocr import tolerance
from aliocr.errors import APIError, OCRError, ResponseError, api_error, undocumented_error
from aliocr.limits import IMAGES_PER_REQUEST
from aliocr.models import Frame, Image, Region, Scan, with_unread

__all__ = [
    "BadRequest",
    "Part",
    "ScanRequest",
    "Task",
    "decode_reply",
    "decode_request",
    "encode_refusal",
    "encode_reply",
    "encode_request",
    "name_images",
]

OK = 200
SCENE = "ocr"


class _Wire(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An object on the wire: `data_id` travels as `dataId`, None by being absent."""


class Task(_Wire, frozen=True, kw_only=True):
    """One image as a request names it: not yet checked, as anybody may have sent it."""

    data_id: str | None = None
    url: str
    interval: int | None = None
    max_frames: int | None = None


class ScanRequest(_Wire, frozen=True):
    """What a request asks for."""

    scenes: tuple[str, ...]
    tasks: tuple[Task, ...]
    biz_type: str | None = None


_ABSENT = msgspec.Raw()
"""No regions; the one object of its kind that encoding leaves out."""


class _Reading(_Wire, frozen=True):
    rate: float | None = None
    ocr_data: tuple[str, ...] | None = None
    # An array of `Region`s, as it stands in the reply.
    ocr_locations: msgspec.Raw = _ABSENT


class _Frame(_Reading, frozen=True):
    url: str | None = None


class _Result(_Reading, frozen=True):
    scene: str | None = None
    label: str | None = None
    suggestion: str | None = None
    frames: tuple[_Frame, ...] | None = None


class _Answer(_Wire, frozen=True):
    code: int
    msg: str | None = None
    data_id: str | None = None
    task_id: str | None = None
    results: tuple[_Result, ...] | None = None


class _WholeAnswer(_Answer, frozen=True, kw_only=True):
    """As the service writes it. The client reads no more than it needs, to fail at no more."""

    url: str
    extras: dict[str, str]


class _Envelope(_Wire, frozen=True):
    code: int
    msg: str | None = None
    request_id: str | None = None
    data: list[msgspec.Raw] | None = None


class BadRequest(Exception):  # noqa: N818
    """A body that the service answers with code 400; the message says which field and why."""


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the strict decoder raises; the last for a body that is nested a thousand levels deep."""


# --- requests -------------------------------------------------------------------------------------


def name_images(images: Sequence[Image]) -> dict[str, Image]:
    """The images of one request by data id: the caller's own, or one made up for the request.

    Replies promise no order, so every image travels under a name. Insertion order is that of the
    images; the caller sees to it that no two have the same data id.
    """
    taken = {image.data_id for image in images if image.data_id is not None}
    named: dict[str, Image] = {}
    for number, image in enumerate(images):
        name = image.data_id
        if name is None:
            name = f"image-{number}"
            while name in taken:
                name += "'"
        named[name] = image
    return named


def encode_request(named: Mapping[str, Image], biz_type: str | None = None) -> bytes:
    """The body of one request for images by data id, in that order."""
    tasks = tuple(
        Task(data_id=data_id, url=image.url, interval=image.interval, max_frames=image.max_frames)
        for data_id, image in named.items()
    )
    return msgspec.json.encode(ScanRequest(scenes=(SCENE,), tasks=tasks, biz_type=biz_type))


def decode_request(body: bytes) -> ScanRequest:
    """A request, its tasks in order.

    Raises:
        BadRequest: Not JSON, a field missing or of the wrong type, a scene other than OCR, none or
            more than 100 tasks, a data id twice.
    """
    try:
        request = msgspec.json.decode(body, type=ScanRequest)
    except UNREADABLE as error:
        raise BadRequest(f"malformed body: {error}") from None
    if request.scenes != (SCENE,):
        raise BadRequest(f'[scenes] must be ["{SCENE}"]')
    if not 1 <= len(request.tasks) <= IMAGES_PER_REQUEST:
        count = len(request.tasks)
        raise BadRequest(f"[tasks] must hold 1 to {IMAGES_PER_REQUEST} elements, not {count}")
    names = [task.data_id for task in request.tasks if task.data_id is not None]
    if len(set(names)) < len(names):
        raise BadRequest("[task.dataId] is not unique in the request")
    return request


# --- replies, written -----------------------------------------------------------------------------


def encode_reply(answers: Iterable[tuple[Task, Scan | APIError]], *, request_id: str) -> bytes:
    """The body of one reply, an element an answer, in that order."""
    data = [msgspec.Raw(msgspec.json.encode(_answer(*answer))) for answer in answers]
    return msgspec.json.encode(_Envelope(code=OK, msg="OK", request_id=request_id, data=data))


def _answer(task: Task, answer: Scan | APIError) -> _Answer:
    if isinstance(answer, APIError):
        # Of an image all codes are numbers: the gateway's words are about requests.
        return _WholeAnswer(
            code=int(answer.code), msg=answer.message, data_id=task.data_id, url=task.url, extras={}
        )
    frames = tuple(
        _Frame(rate=f.rate, url=f.url, ocr_data=_lines(f.text), ocr_locations=_written(f.regions))
        for f in answer.frames
    )
    result = _Result(
        scene=SCENE,
        label=answer.label,
        suggestion=answer.suggestion,
        rate=answer.rate,
        ocr_data=_lines(answer.text),
        ocr_locations=_written(answer.regions),
        frames=frames or None,
    )
    return _WholeAnswer(
        code=OK,
        msg="OK",
        data_id=task.data_id,
        url=task.url,
        extras={},
        task_id=answer.task_id,
        results=(result,),
    )


def _lines(text: str) -> tuple[str, ...] | None:
    """Absent, not empty, where there is no text. Source: "ocrData"."""
    return (text,) if text else None


def _written(regions: tuple[Region, ...]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(regions)) if regions else _ABSENT


def encode_refusal(code: int | str, message: str, *, request_id: str, host: str = "") -> bytes:
    """The body of a refusal: the envelope's shape for an int code, the gateway's for a string."""
    if isinstance(code, int):
        return msgspec.json.encode(_Envelope(code=code, msg=message, request_id=request_id))
    return msgspec.json.encode(
        {
            "Code": code,
            "Message": message,
            "RequestId": request_id,
            "HostId": host,
            "Recommend": f"https://error-center.aliyun.com/status/search?Keyword={code}",
        }
    )


# --- replies, read --------------------------------------------------------------------------------


_envelope_decoder = msgspec.json.Decoder(_Envelope, strict=False)
_answer_decoder = msgspec.json.Decoder(_Answer, strict=False)
_regions_decoder = msgspec.json.Decoder(tuple[Region, ...], strict=False)

Part: TypeAlias = Sequence[tuple[int, Scan | OCRError]]
"""What became of some images of a request, by their places in it, from 0."""

PART = 16
"""Elements of a reply that are read in one go. More take longer than finding the elements did, and
fewer cost more turns of the event loop than they are worth."""


def decode_reply(status: int, body: bytes, named: Mapping[str, Image]) -> Iterator[Part]:
    """What became of each image of a request, once each, part by part.

    The envelope is opened now, which is one pass over the bytes; each part is read when it is asked
    for, so that others can have their turn in between.

    Answers are matched by data id alone. A foreign one is passed over; of a repeated one a success
    counts before a failure, then the first; an image without any gets a `ResponseError`. So all
    that is no success comes in the last part.

    Args:
        status: The HTTP status.
        body: The whole body.
        named: The images as they were encoded.

    Raises:
        OCRError: The request as a whole was refused, failed, or was answered by something else.
    """
    envelope, items = _open_envelope(status, body)
    return _parts(items, named, envelope.request_id)


def _parts(
    items: Sequence[object], named: Mapping[str, Image], request_id: str | None
) -> Iterator[Part]:
    unread = {name: (place, image) for place, (name, image) in enumerate(named.items())}
    failed: dict[str, OCRError] = {}
    unopened = iter(items)
    while elements := list(islice(unopened, PART)):
        part: list[tuple[int, Scan | OCRError]] = []
        for element in elements:
            answer = _read_answer(element)
            if answer is None or answer.data_id is None or answer.data_id not in unread:
                continue
            place, image = unread[answer.data_id]
            outcome = _outcome(answer, image, request_id)
            if isinstance(outcome, Scan):
                del unread[answer.data_id]
                part.append((place, outcome))
            else:
                failed.setdefault(answer.data_id, outcome)
        yield part
    missing = ResponseError(
        "the reply does not mention this image",
        transient=True,
        maybe_charged=True,
        request_id=request_id,
    )
    yield [(place, failed.get(name, missing)) for name, (place, _) in unread.items()]


def _open_envelope(status: int, body: bytes) -> tuple[_Envelope, Sequence[object]]:
    """The envelope and its unread elements, or the error that the whole reply is."""
    if status == OK:
        try:
            envelope = _envelope_decoder.decode(body)
        except UNREADABLE:
            pass
        else:
            if envelope.code == OK:
                return envelope, envelope.data or ()
    # Names in lower case: the tables print them capitalised, the samples do not, and the gateway's
    # refusals have `Code` and `Message` where the service's have `code` and `msg`.
    fields = tolerance.fields_of(tolerance.parse(body))
    code = tolerance.whole_number(fields.get("code")) or tolerance.string(fields.get("code"))
    message = tolerance.string(fields.get("msg") or fields.get("message")) or ""
    request_id = tolerance.string(fields.get("requestid"))
    if not code:
        raise undocumented_error(status, body)
    if status == OK and code == OK:
        data = fields.get("data")
        found = _Envelope(code=OK, msg=message, request_id=request_id)
        return found, data if isinstance(data, list) else ()
    raise api_error(code, message, request_id=request_id, status=status)


def _read_answer(item: object) -> _Answer | None:
    """One element of `data`: straight into its class, or field by field if it is odd."""
    if isinstance(item, msgspec.Raw):
        try:
            return _answer_decoder.decode(item)
        except UNREADABLE:
            item = tolerance.parse(bytes(item))
    return tolerance.read(item, _Answer)


def _outcome(answer: _Answer, image: Image, request_id: str | None) -> Scan | OCRError:
    if answer.code == 0:
        return ResponseError("an answer without a code", maybe_charged=True, request_id=request_id)
    if answer.code != OK:
        return api_error(answer.code, answer.msg or "", request_id=request_id)
    results = answer.results or ()
    result = next((r for r in results if r.scene == SCENE), results[0] if results else None)
    if result is None:
        return ResponseError("success without results", maybe_charged=True, request_id=request_id)
    frames = tuple(_frame(frame) for frame in result.frames or ())
    scan = Scan(
        image=image,
        text=_text(result) or "\n".join(frame.text for frame in frames if frame.text),
        frames=frames,
        # Of the few words there are one copy is enough, for a caller who keeps a million scans.
        label=sys.intern(result.label or "normal"),
        suggestion=sys.intern(result.suggestion or "pass"),
        rate=result.rate,
        task_id=answer.task_id,
        request_id=request_id,
    )
    return with_unread(scan, _Regions(result.ocr_locations)) if result.ocr_locations else scan


def _frame(reading: _Frame) -> Frame:
    frame = Frame(text=_text(reading), url=reading.url, rate=reading.rate)
    return with_unread(frame, _Regions(reading.ocr_locations)) if reading.ocr_locations else frame


def _text(reading: _Reading) -> str:
    """The joined text; the document promises it "in general" only, so regions stand in for it."""
    if reading.ocr_data:
        return "\n".join(reading.ocr_data)
    regions = _Regions(reading.ocr_locations)() if reading.ocr_locations else ()
    return " ".join(region.text for region in regions)


class _Regions(bytes):
    """The regions of one image as the reply has them; a copy, that it need not be kept whole.

    They are known to be JSON, for the whole reply was read as such. What else may be wrong with
    them is made good as it is for everything, whenever they are read.
    """

    __slots__ = ()

    def __call__(self) -> tuple[Region, ...]:
        """The regions, those that can be read."""
        try:
            return _regions_decoder.decode(self)
        except UNREADABLE:
            return tolerance.read_all(tolerance.parse(self), Region)
