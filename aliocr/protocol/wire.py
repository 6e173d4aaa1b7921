"""Models ⇄ the JSON of the service, in both directions; the only place for its field names.

The client encodes requests and decodes replies; the emulator decodes requests and encodes replies.
For each kind of object, both use the same class. The client reads replies with `replies`.

Source: "Request parameters", "Response parameters"; "Common parameters" for the envelope.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Self, TypeAlias

import msgspec

from aliocr.errors import APIError
from aliocr.limits import IMAGES_PER_REQUEST
from aliocr.models import MAX_DATA_ID_CHARACTERS, Frame, Image, Region, Scan, undecoded_regions
from aliocr.protocol import lenient

OK = 200
SCENE = "ocr"

TURNS = (0, 90, 180, 270)
"""Turns of a picture, in degrees."""


class _Wire(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An object on the wire: `data_id` is sent as `dataId`; a field that is None is left out."""


class Task(_Wire, frozen=True, kw_only=True):
    """One image of a request, as it arrives: not checked yet."""

    data_id: str | None = None
    url: str
    interval: int | None = None
    max_frames: int | None = None


def _first(count: int, kind: type) -> type[msgspec.Struct]:
    """Make the type of an array of which only the first elements are read.

    If a list were used, the whole list would be built before it is counted, even if it has a
    hundred thousand elements.
    """
    fields = [(f"element_{number}", kind, None) for number in range(count)]
    return msgspec.defstruct(f"_{kind.__name__}s", fields, array_like=True, frozen=True)


_Scenes = _first(2, str)
_Tasks = _first(IMAGES_PER_REQUEST + 1, Task)


class _Request(_Wire, frozen=True):
    """A request as it arrives; of each array, only the first elements are read."""

    scenes: _Scenes  # type: ignore[valid-type]
    tasks: _Tasks  # type: ignore[valid-type]
    biz_type: str | None = None


class ScanRequest(_Wire, frozen=True):
    """A checked request."""

    scenes: tuple[str, ...]
    tasks: tuple[Task, ...]
    biz_type: str | None = None


_ABSENT = msgspec.Raw()
"""The value if there are no regions. The encoder leaves out only this very object."""


class Reading(_Wire, frozen=True):
    """The text of an image or of one frame."""

    rate: float | None = None
    ocr_data: tuple[str, ...] | None = None
    # An array of `Region`s, not decoded yet.
    ocr_locations: msgspec.Raw = _ABSENT
    # Not documented. No page shows a frame of this operation, so some places are looked at in vain.
    text: str | None = None


class FrameReading(Reading, frozen=True):
    """One frame of an image."""

    url: str | None = None
    results: tuple[Reading, ...] | None = None


class SceneResult(Reading, frozen=True):
    """The result of one scene for an image."""

    scene: str | None = None
    label: str | None = None
    suggestion: str | None = None
    frames: tuple[FrameReading, ...] | None = None
    # Beyond the service: only the emulator with `whole_pictures` says size and turn of a picture.
    width: int | None = None
    height: int | None = None
    turn: int | None = None


Code: TypeAlias = Annotated[int, msgspec.Meta(ge=-lenient.MOST_WHOLE, le=lenient.MOST_WHOLE)]


class ImageReply(_Wire, frozen=True):
    """The part of a reply that is about one image."""

    code: Code
    msg: str | None = None
    data_id: str | None = None
    url: str | None = None
    task_id: str | None = None
    results: tuple[SceneResult, ...] | None = None


class _FullImageReply(ImageReply, frozen=True, kw_only=True):
    """The same part with all fields that the service writes.

    The client reads fewer fields, so that fewer fields can be wrong.
    """

    extras: dict[str, str]


class Envelope(_Wire, frozen=True):
    """The outer object of a reply as it is written."""

    code: Code
    msg: str | None = None
    request_id: str | None = None
    data: list[msgspec.Raw] | None = None


MOST_ELEMENTS = 2 * IMAGES_PER_REQUEST
"""Maximum number of elements that are read of a reply: each image may be answered twice."""

_Elements = _first(MOST_ELEMENTS, msgspec.Raw)


class ReceivedEnvelope(_Wire, frozen=True):
    """The outer object of a reply as it is read; the elements of `data` are not decoded yet."""

    code: Code
    request_id: str | None = None
    data: _Elements | None = None  # type: ignore[valid-type]

    def elements(self) -> tuple[msgspec.Raw, ...]:
        """Return the first `MOST_ELEMENTS` elements of `data`."""
        return () if self.data is None else _elements(self.data)


class BadRequest(Exception):  # noqa: N818
    """A body that the service refuses with code 400; the message says which field and why."""


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Errors of the strict decoder; RecursionError comes from a body nested a thousand levels deep."""

_regions_decoder = msgspec.json.Decoder(tuple[Region, ...], strict=False)


class WrittenRegions(bytes):
    """The regions of one image as JSON, decoded when called: for `models.with_lazy_regions`.

    The regions are kept as bytes, because the garbage collector would look at an object for each
    region, but does not look into bytes. Regions that are not as documented are decoded leniently.
    """

    __slots__ = ()

    @classmethod
    def of(cls, regions: Iterable[Region]) -> Self:
        """Encode regions once, for any number of replies."""
        return cls(msgspec.json.encode(tuple(regions)))

    def __call__(self) -> tuple[Region, ...]:
        """Return the regions, as far as they can be read."""
        try:
            return _regions_decoder.decode(self)
        except UNREADABLE:
            return lenient.read_all(lenient.parse(self), Region)


_PROCESS = os.urandom(3).hex()
_requests = itertools.count()
_PLACES = tuple(map(str, range(IMAGES_PER_REQUEST)))


def name_images(images: Sequence[Image]) -> dict[str, Image]:
    """Return the images of one request by data ids that no other request uses.

    Replies promise no order, so every image has a data id. On a broken connection, the reply to
    another request may come, so a data id is the caller's with a tag of the request: `mine` becomes
    `mine-4f1c091b`. If there is no room for the tag, the end of the caller's id is left out, and
    the image's place is added. The order of the images stays. The chunker makes sure that no two
    images have the same data id.
    """
    # Only a made or shortened id ends with a place, and a tag has no hyphen. So the ids differ.
    tag = f"-{_PROCESS}{next(_requests):x}"
    made = f"image{tag}-"
    named = {}
    for place, image in enumerate(images):
        name = image.data_id
        if name is None:
            name = made + _PLACES[place]
        elif len(name) + len(tag) <= MAX_DATA_ID_CHARACTERS:
            name += tag
        else:
            end = f"{tag}-{place}"
            name = name[: MAX_DATA_ID_CHARACTERS - len(end)] + end
        named[name] = image
    return named


def encode_request(named: Mapping[str, Image], biz_type: str | None = None) -> bytes:
    """Encode the body of one request for images by data id, in the order of `named`."""
    tasks = [
        Task(data_id=data_id, url=image.url, interval=image.interval, max_frames=image.max_frames)
        for data_id, image in named.items()
    ]
    return msgspec.json.encode(ScanRequest((SCENE,), tuple(tasks), biz_type))


def decode_request(body: bytes) -> ScanRequest:
    """Decode and check a request; its tasks stay in order.

    Raises:
        BadRequest: The body is not JSON, a field is missing or of the wrong type, a scene is not
            OCR, there are no tasks or more than 100, or a data id occurs twice.
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
    return tuple(each for each in msgspec.structs.astuple(array) if each is not None)


def encode_reply(answers: Iterable[tuple[Task, Scan | APIError]], *, request_id: str) -> bytes:
    """Encode the body of one reply, one element for each answer, in the order of the answers."""
    elements = (encode_answer(*each) for each in answers)
    return b"".join(reply_parts(elements, request_id=request_id))


def reply_parts(elements: Iterable[bytes], *, request_id: str) -> Iterator[bytes]:
    """Return the same body in parts, one for each element: the whole may take a second."""
    envelope = encode_envelope(request_id)
    yield envelope[:-2]
    separator = b""
    for each in elements:
        yield separator + each
        separator = b","
    yield envelope[-2:]


def encode_envelope(request_id: str) -> bytes:
    """Encode a reply without answers; it ends with an empty list for answers."""
    return msgspec.json.encode(Envelope(code=OK, msg="OK", request_id=request_id, data=[]))


def encode_answer(task: Task, answer: Scan | APIError) -> bytes:
    """Encode one element of a reply."""
    return msgspec.json.encode(image_reply(task, answer))


def image_reply(task: Task, answer: Scan | APIError) -> ImageReply:
    """Return one element of a reply."""
    if isinstance(answer, APIError):
        # The code of an image is a number; the string codes of the gateway are about requests.
        return _FullImageReply(
            code=int(answer.code), msg=answer.message, data_id=task.data_id, url=task.url, extras={}
        )
    frames = tuple(
        FrameReading(rate=f.rate, url=f.url, ocr_data=_lines(f.text), ocr_locations=_written(f))
        for f in answer.frames
    )
    result = SceneResult(
        scene=SCENE,
        label=answer.label,
        suggestion=answer.suggestion,
        rate=answer.rate,
        ocr_data=_lines(answer.text),
        ocr_locations=_written(answer),
        frames=frames or None,
        width=answer.width,
        height=answer.height,
        turn=answer.turn,
    )
    return _FullImageReply(
        code=OK,
        msg="OK",
        data_id=task.data_id,
        url=task.url,
        extras={},
        task_id=answer.task_id,
        results=(result,),
    )


def _lines(text: str) -> tuple[str, ...] | None:
    """Return the field `ocrData`; None if there is no text, so that the field is left out.

    Source: "ocrData".
    """
    return (text,) if text else None


def _written(found: Frame | Scan) -> msgspec.Raw:
    if isinstance(written := undecoded_regions(found), WrittenRegions):
        return msgspec.Raw(written)
    return msgspec.Raw(msgspec.json.encode(found.regions)) if found.regions else _ABSENT


def encode_refusal(code: int | str, message: str, *, request_id: str, host: str = "") -> bytes:
    """Encode a refusal: an int code in the envelope's form, a string code in the gateway's form."""
    if isinstance(code, int):
        return msgspec.json.encode(Envelope(code=code, msg=message, request_id=request_id))
    return msgspec.json.encode(
        {
            "Code": code,
            "Message": message,
            "RequestId": request_id,
            "HostId": host,
            "Recommend": f"https://error-center.aliyun.com/status/search?Keyword={code}",
        }
    )
