"""Asynchronous scanning ⇄ the JSON of the service: requests, and what they get beyond `wire`.

An element of either reply is an `ImageReply`, as in a reply to a scan: of a submitted image it has
a `taskId` and no `results` yet.

Source: "Asynchronous detection"; the replies as they were recorded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from aliocr.errors import APIError
from aliocr.image_url import check
from aliocr.models import Image, Scan
from aliocr.protocol import callback_digest, wire
from aliocr.protocol.wire import BadRequest, ImageReply, ScanRequest, Task

MAX_TASK_IDS = 100
"""Maximum number of task ids in a request for results. Source: "/green/file/results"; the page of
images names no number."""

_SEED = re.compile("[A-Za-z0-9_]{1,64}")


class Callback(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Where the service pushes results to, and how it signs them.

    Args:
        callback: The URL, http or https.
        seed: A part of the checksum: 1 to 64 letters, digits or `_`.
        crypt_type: The digest of the checksum, `"SHA256"` or `"SM3"`.
    """

    callback: str
    seed: str
    crypt_type: str = callback_digest.DEFAULT_HASH


class SubmitRequest(msgspec.Struct, frozen=True):
    """A checked request to scan later.

    Args:
        scan: The images.
        callback: None if results are not pushed.
        offline: If True, the service takes images above the account's quota too, and reads them
            within a day. Only older documents have this field.
    """

    scan: ScanRequest
    callback: Callback | None = None
    offline: bool = False


class _Options(msgspec.Struct, frozen=True, rename="camel"):
    callback: str | None = None
    seed: str | None = None
    crypt_type: str | None = None
    offline: bool | None = None


def encode_submit(
    named: Mapping[str, Image], biz_type: str | None = None, callback: Callback | None = None
) -> bytes:
    """Encode the body of a request to scan later; for `named`, see `wire.encode_request`."""
    body = wire.encode_request(named, biz_type)
    return body if callback is None else body[:-1] + b"," + msgspec.json.encode(callback)[1:]


def decode_submit(body: bytes) -> SubmitRequest:
    """Decode and check a request to scan later.

    Raises:
        BadRequest: As in `wire.decode_request`, or the callback is not as documented.
    """
    scan = wire.decode_request(body)
    try:
        options = msgspec.json.decode(body, type=_Options)
    except wire.UNREADABLE as error:
        raise BadRequest(f"malformed body: {error}") from None
    return SubmitRequest(scan, _callback(options), bool(options.offline))


def _callback(options: _Options) -> Callback | None:
    if not options.callback:
        return None
    try:
        check(options.callback)
    except ValueError as error:
        raise BadRequest(f"[callback] {str(error).partition(' ')[2]}") from None
    if options.seed is None or not _SEED.fullmatch(options.seed):
        raise BadRequest("[seed] must be 1 to 64 letters, digits or _, with a callback")
    crypt_type = options.crypt_type or callback_digest.DEFAULT_HASH
    if crypt_type not in callback_digest.HASHES:
        raise BadRequest(f"[cryptType] must be {' or '.join(callback_digest.HASHES)}")
    return Callback(options.callback, options.seed, crypt_type)


def encode_results_request(task_ids: Sequence[str]) -> bytes:
    """Encode the body of a request for results, a JSON array of task ids."""
    return msgspec.json.encode(task_ids)


def decode_results_request(body: bytes) -> tuple[str, ...]:
    """Decode and check a request for results.

    Raises:
        BadRequest: The body is not a JSON array of strings, is empty, or has more than 100.
    """
    try:
        task_ids = msgspec.json.decode(body, type=tuple[str, ...])
    except wire.UNREADABLE as error:
        raise BadRequest(f"malformed body: {error}") from None
    if not 1 <= len(task_ids) <= MAX_TASK_IDS:
        raise BadRequest(f"the array must hold 1 to {MAX_TASK_IDS} task ids, not {len(task_ids)}")
    return task_ids


def encode_item(
    task: Task,
    answer: Scan | APIError | None,
    task_id: str | None,
    *,
    message: str = "OK",
    with_url: bool = True,
) -> bytes:
    """Encode one element of a reply, or the content of a callback.

    Args:
        task: The image; without a URL, if the id is not known, so that only the id is echoed.
        answer: What became of the image; None if it was submitted.
        task_id: The id; None for an image that was not accepted.
        message: The field `msg` of a good answer; the service may write Chinese here.
        with_url: If False, the field `url` is left out.
    """
    if isinstance(answer, Scan):
        reply = msgspec.structs.replace(wire.image_reply(task, answer), msg=message)
    elif answer is None:
        reply = ImageReply(code=wire.OK, msg=message)
    else:
        reply = ImageReply(code=int(answer.code), msg=answer.message)
    url = task.url if with_url and task.url else None
    return msgspec.json.encode(
        msgspec.structs.replace(reply, data_id=task.data_id, url=url, task_id=task_id)
    )
