"""Models ⇄ the JSON of the service, both directions; the one place that knows its field names.

The client encodes requests and decodes replies; the emulator decodes requests and encodes replies.
Decoding is tolerant: what a reply lacks or mistypes costs at most the image it belongs to.

Source: "Request parameters", "Response parameters"; "Common parameters" for the envelope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from aliocr import tolerance
from aliocr.errors import APIError, AuthError, OCRError, ResponseError, api_error
from aliocr.models import Frame, Image, Region, Scan

__all__ = [
    "BadRequest",
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
MAX_TASKS = 100
"""Source: request parameter "tasks"."""


@attrs.frozen
class Task:
    """One image as a request names it: not yet checked, as anybody may have sent it."""

    url: str
    data_id: str | None = None
    interval: int | None = None
    max_frames: int | None = None


class BadRequest(Exception):  # noqa: N818
    """A body that the service answers with code 400; the message says which field and why."""


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
    tasks = []
    for data_id, image in named.items():
        task: dict[str, str | int] = {"dataId": data_id, "url": image.url}
        if image.interval is not None and image.max_frames is not None:
            task["interval"] = image.interval
            task["maxFrames"] = image.max_frames
        tasks.append(task)
    body: dict[str, Any] = {"scenes": [SCENE], "tasks": tasks}
    if biz_type is not None:
        body["bizType"] = biz_type
    return msgspec.json.encode(body)


@attrs.frozen
class _WireTask:
    url: str
    dataId: str | None = None  # noqa: N815
    interval: int | None = None
    maxFrames: int | None = None  # noqa: N815


@attrs.frozen
class _WireRequest:
    scenes: tuple[str, ...]
    tasks: tuple[_WireTask, ...]
    bizType: str | None = None  # noqa: N815


def decode_request(body: bytes) -> tuple[Task, ...]:
    """The tasks of a request, in order.

    Raises:
        BadRequest: Not JSON, a field missing or of the wrong type, a scene other than OCR, none or
            more than 100 tasks, a data id twice.
    """
    try:
        request = msgspec.json.decode(body, type=_WireRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"malformed body: {error}") from None
    if request.scenes != (SCENE,):
        raise BadRequest(f'[scenes] must be ["{SCENE}"]')
    if not 1 <= len(request.tasks) <= MAX_TASKS:
        raise BadRequest(f"[tasks] must hold 1 to {MAX_TASKS} elements, not {len(request.tasks)}")
    names = [task.dataId for task in request.tasks if task.dataId is not None]
    if len(set(names)) < len(names):
        raise BadRequest("[task.dataId] is not unique in the request")
    return tuple(Task(t.url, t.dataId, t.interval, t.maxFrames) for t in request.tasks)


# --- replies, written -----------------------------------------------------------------------------


def encode_reply(
    answers: Iterable[tuple[Task, Scan | APIError]], *, request_id: str, code: int = OK
) -> bytes:
    """The body of one reply, an element an answer, in that order."""
    data = [_encode_answer(task, answer) for task, answer in answers]
    return msgspec.json.encode({"code": code, "msg": "OK", "requestId": request_id, "data": data})


def _encode_answer(task: Task, answer: Scan | APIError) -> dict[str, Any]:
    wire: dict[str, Any] = {"code": OK, "msg": "OK", "url": task.url, "extras": {}}
    if task.data_id is not None:
        wire["dataId"] = task.data_id
    if isinstance(answer, APIError):
        return wire | {"code": answer.code, "msg": answer.message}
    result: dict[str, Any] = {
        "scene": SCENE,
        "label": answer.label,
        "suggestion": answer.suggestion,
        "rate": answer.rate,
    }
    result |= _encode_text(answer.text, answer.regions)
    if answer.frames:
        result["frames"] = [_encode_frame(frame) for frame in answer.frames]
    return wire | {"taskId": answer.task_id, "results": [result]}


def _encode_frame(frame: Frame) -> dict[str, Any]:
    wire: dict[str, Any] = {"rate": frame.rate} | _encode_text(frame.text, frame.regions)
    return wire if frame.url is None else wire | {"url": frame.url}


def _encode_text(text: str, regions: tuple[Region, ...]) -> dict[str, Any]:
    """Both fields are absent, not empty, where there is no text. Source: "ocrData"."""
    wire: dict[str, Any] = {"ocrData": [text]} if text else {}
    if regions:
        wire["ocrLocations"] = regions
    return wire


def encode_refusal(code: int | str, message: str, *, request_id: str, host: str = "") -> bytes:
    """The body of a refusal: the envelope's shape for an int code, the gateway's for a string."""
    if isinstance(code, int):
        return msgspec.json.encode({"code": code, "msg": message, "requestId": request_id})
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


@attrs.frozen
class _WireFrame:
    rate: float | None = None
    url: str | None = None
    ocrData: tuple[str, ...] | None = None  # noqa: N815
    ocrLocations: tuple[Region, ...] | None = None  # noqa: N815


@attrs.frozen
class _WireResult:
    scene: str | None = None
    label: str | None = None
    suggestion: str | None = None
    rate: float | None = None
    ocrData: tuple[str, ...] | None = None  # noqa: N815
    ocrLocations: tuple[Region, ...] | None = None  # noqa: N815
    frames: tuple[_WireFrame, ...] | None = None


@attrs.frozen
class _WireAnswer:
    code: int
    dataId: str | None = None  # noqa: N815
    msg: str | None = None
    taskId: str | None = None  # noqa: N815
    results: tuple[_WireResult, ...] | None = None


@attrs.frozen
class _Envelope:
    code: int
    msg: str | None = None
    requestId: str | None = None  # noqa: N815
    data: list[msgspec.Raw] | None = None


_envelope_decoder = msgspec.json.Decoder(_Envelope, strict=False)
_answer_decoder = msgspec.json.Decoder(_WireAnswer, strict=False)


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
    request_id = envelope.requestId
    found: dict[str, Scan | OCRError] = {}
    for item in items:
        answer = _read_answer(item)
        image = named.get(answer.dataId) if answer is not None and answer.dataId else None
        if answer is None or image is None or answer.dataId is None:
            continue
        if not isinstance(found.get(answer.dataId), Scan):
            outcome = _outcome(answer, image, request_id)
            if answer.dataId not in found or isinstance(outcome, Scan):
                found[answer.dataId] = outcome
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
        except (msgspec.DecodeError, UnicodeDecodeError):
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
        return _Envelope(OK, message, request_id), data if isinstance(data, list) else ()
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


def _read_answer(item: object) -> _WireAnswer | None:
    """One element of `data`: straight into its class, or field by field if it is odd."""
    if isinstance(item, msgspec.Raw):
        try:
            return _answer_decoder.decode(item)
        except (msgspec.DecodeError, UnicodeDecodeError):
            item = tolerance.parse(bytes(item))
    return tolerance.read(item, _WireAnswer)


def _outcome(answer: _WireAnswer, image: Image, request_id: str | None) -> Scan | OCRError:
    if answer.code == 0:
        return ResponseError("an answer without a code", maybe_charged=True, request_id=request_id)
    if answer.code != OK:
        return api_error(answer.code, answer.msg or "", request_id=request_id)
    results = answer.results or ()
    result = next((r for r in results if r.scene == SCENE), results[0] if results else None)
    if result is None:
        return ResponseError("success without results", maybe_charged=True, request_id=request_id)
    frames = tuple(
        Frame(_text(f.ocrData, f.ocrLocations), f.ocrLocations or (), f.url, f.rate)
        for f in result.frames or ()
    )
    return Scan(
        image=image,
        text=_text(result.ocrData, result.ocrLocations)
        or "\n".join(frame.text for frame in frames if frame.text),
        regions=result.ocrLocations or (),
        frames=frames,
        label=result.label or "normal",
        suggestion=result.suggestion or "pass",
        rate=result.rate,
        task_id=answer.taskId,
        request_id=request_id,
    )


def _text(data: tuple[str, ...] | None, regions: tuple[Region, ...] | None) -> str:
    """The joined text; the document promises it "in general" only, so regions stand in for it."""
    return "\n".join(data) if data else " ".join(region.text for region in regions or ())
