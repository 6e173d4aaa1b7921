"""Models ⇄ the JSON of the service, both directions; the one place that knows its field names.

The client encodes requests and decodes replies; the emulator decodes requests and encodes replies.
One class describes each object, for both. Decoding a reply is tolerant: what it lacks or mistypes
costs at most the image it belongs to.

Source: "Request parameters", "Response parameters"; "Common parameters" for the envelope.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from aliocr import tolerance
from aliocr.errors import APIError, AuthError, OCRError, ResponseError, api_error
from aliocr.limits import IMAGES_PER_REQUEST
from aliocr.models import Frame, Image, Region, Scan

__all__ = [
    "BadRequest",
    "ScanRequest",
    "Task",
    "decode_reply",
    "decode_request",
    "encode_answer",
    "encode_envelope",
    "encode_refusal",
    "encode_reply",
    "encode_request",
    "name_images",
    "reply_parts",
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


def _first(count: int, kind: type) -> type[msgspec.Struct]:
    """An array of which so many elements are read, as a record is that has so many fields.

    A list would be made whole, a hundred thousand elements of a few bytes each, before anybody
    could count them.
    """
    fields = [(f"element_{number}", kind, None) for number in range(count)]
    return msgspec.defstruct(f"_{kind.__name__}s", fields, array_like=True, frozen=True)


_Scenes = _first(2, str)
_Tasks = _first(IMAGES_PER_REQUEST + 1, Task)


class _Request(_Wire, frozen=True):
    """As anybody may have sent it: no more is read than shows that there is too much."""

    scenes: _Scenes  # type: ignore[valid-type]
    tasks: _Tasks  # type: ignore[valid-type]
    biz_type: str | None = None


class ScanRequest(_Wire, frozen=True):
    """What a request asks for."""

    scenes: tuple[str, ...]
    tasks: tuple[Task, ...]
    biz_type: str | None = None


class _Reading(_Wire, frozen=True):
    rate: float | None = None
    ocr_data: tuple[str, ...] | None = None
    ocr_locations: tuple[Region, ...] | None = None


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
        request = msgspec.json.decode(body, type=_Request)
    except UNREADABLE as error:
        raise BadRequest(f"malformed body: {error}") from None
    if _elements(request.scenes) != (SCENE,):
        raise BadRequest(f'[scenes] must be ["{SCENE}"]')
    tasks: tuple[Task, ...] = _elements(request.tasks)
    if not 1 <= len(tasks) <= IMAGES_PER_REQUEST:
        count = f"{len(tasks)} or more" if tasks else "0"
        raise BadRequest(f"[tasks] must hold 1 to {IMAGES_PER_REQUEST} elements, not {count}")
    names = [task.data_id for task in tasks if task.data_id is not None]
    if len(set(names)) < len(names):
        raise BadRequest("[task.dataId] is not unique in the request")
    return ScanRequest((SCENE,), tasks, request.biz_type)


def _elements(array: msgspec.Struct) -> tuple[Any, ...]:
    """The elements that there were."""
    return tuple(each for each in msgspec.structs.astuple(array) if each is not None)


# --- replies, written -----------------------------------------------------------------------------


def encode_reply(answers: Iterable[tuple[Task, Scan | APIError]], *, request_id: str) -> bytes:
    """The body of one reply, an element an answer, in that order."""
    return b"".join(reply_parts(answers, request_id=request_id))


def reply_parts(
    answers: Iterable[tuple[Task, Scan | APIError]], *, request_id: str
) -> Iterator[bytes]:
    """The same in parts, none of more than one answer: as a whole it may take a second."""
    envelope = encode_envelope(request_id)
    yield envelope[:-2]
    separator = b""
    for each in answers:
        yield separator + encode_answer(*each)
        separator = b","
    yield envelope[-2:]


def encode_envelope(request_id: str) -> bytes:
    """The body of a reply without answers; the last thing in it is their empty list."""
    return msgspec.json.encode(_Envelope(code=OK, msg="OK", request_id=request_id, data=[]))


def encode_answer(task: Task, answer: Scan | APIError) -> bytes:
    """One element of a reply."""
    return msgspec.json.encode(_answer(task, answer))


def _answer(task: Task, answer: Scan | APIError) -> _Answer:
    if isinstance(answer, APIError):
        # Of an image all codes are numbers: the gateway's words are about requests.
        return _WholeAnswer(
            code=int(answer.code), msg=answer.message, data_id=task.data_id, url=task.url, extras={}
        )
    frames = tuple(
        _Frame(rate=f.rate, url=f.url, ocr_data=_lines(f.text), ocr_locations=f.regions or None)
        for f in answer.frames
    )
    result = _Result(
        scene=SCENE,
        label=answer.label,
        suggestion=answer.suggestion,
        rate=answer.rate,
        ocr_data=_lines(answer.text),
        ocr_locations=answer.regions or None,
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


def decode_reply(
    status: int, body: bytes, named: Mapping[str, Image]
) -> tuple[Scan | OCRError, ...]:
    """What became of each image of a request, in the request's order, one element each.

    Answers are matched by data id alone. A foreign one is passed over; of a repeated one a success
    counts before a failure, then the first; an image without any gets a `ResponseError`.

    Args:
        status: The HTTP status.
        body: The whole body.
        named: The images as they were encoded.

    Raises:
        OCRError: The request as a whole was refused, failed, or was answered by something else.
    """
    envelope, items = _open_envelope(status, body)
    request_id = envelope.request_id
    found: dict[str, Scan | OCRError] = {}
    for item in items:
        answer = _read_answer(item)
        image = named.get(answer.data_id) if answer is not None and answer.data_id else None
        if answer is None or image is None or answer.data_id is None:
            continue
        if not isinstance(found.get(answer.data_id), Scan):
            outcome = _outcome(answer, image, request_id)
            if answer.data_id not in found or isinstance(outcome, Scan):
                found[answer.data_id] = outcome
    missing = ResponseError(
        "the reply does not mention this image",
        transient=True,
        maybe_charged=True,
        request_id=request_id,
    )
    return tuple(found.get(name, missing) for name in named)


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
        raise _undocumented(status, body)
    if status == OK and code == OK:
        data = fields.get("data")
        found = _Envelope(code=OK, msg=message, request_id=request_id)
        return found, data if isinstance(data, list) else ()
    raise api_error(code, message, request_id=request_id, status=status)


def _undocumented(status: int, body: bytes) -> OCRError:
    """Something without a code: a proxy's page, a redirection, a body that is cut short."""
    start = body[:60].decode("utf-8", "replace").strip()
    text = f"HTTP {status} without a code of the service; it starts {start!r}"
    if status == 429:
        return api_error("HTTP 429", "too many requests", status=status)
    if status in (401, 407, 511):
        return AuthError(f"HTTP {status}", "something before the service wants a login")
    if 300 <= status < 500:
        return ResponseError(f"{text}; check endpoint and proxy")
    return ResponseError(text, transient=True, maybe_charged=True)


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
    frames = tuple(
        Frame(_text(f.ocr_data, f.ocr_locations), f.ocr_locations or (), f.url, f.rate)
        for f in result.frames or ()
    )
    return Scan(
        image=image,
        text=_text(result.ocr_data, result.ocr_locations)
        or "\n".join(frame.text for frame in frames if frame.text),
        regions=result.ocr_locations or (),
        frames=frames,
        label=result.label or "normal",
        suggestion=result.suggestion or "pass",
        rate=result.rate,
        task_id=answer.task_id,
        request_id=request_id,
    )


def _text(data: tuple[str, ...] | None, regions: tuple[Region, ...] | None) -> str:
    """The joined text; the document promises it "in general" only, so regions stand in for it."""
    return "\n".join(data) if data else " ".join(region.text for region in regions or ())
