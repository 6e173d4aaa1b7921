"""The envelope: opens a reply, and tells a reply with elements from a refusal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import msgspec

from aliocr.errors import OCRError, api_error, undocumented_error
from aliocr.protocol import lenient, salvage
from aliocr.protocol.wire import MOST_ELEMENTS, OK, UNREADABLE, ReceivedEnvelope
from aliocr.redaction import LONGEST_ID, Secrets

_decoder = msgspec.json.Decoder(ReceivedEnvelope, strict=False)

_AROUND = b"\0 \t\r\n"
"""Bytes that may surround a body and mean nothing."""

_UUID = re.compile(r"[0-9A-Fa-f-]{36}")

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def open_envelope(
    status: int,
    body: bytes | bytearray,
    secrets: Secrets,
    urls: Iterable[str],
    cut: OCRError | None,
) -> tuple[str | None, Iterable[object]]:
    """Return the request id and the elements, which are not read yet.

    The strict decoder makes one pass over the bytes. What it refuses is read by `salvage`. If there
    are elements, they count whatever the HTTP status is, because the images were paid for.

    Args:
        status: The HTTP status.
        body: The body, or as much of it as has come.
        secrets: The values of the credentials.
        urls: The URLs of the images: a refusal of the whole request may quote each of them.
        cut: The error that ended the body early; None if the body is whole.

    Raises:
        OCRError: The reply refuses the whole request, or is not a reply of the service.
    """
    envelope = _decoded(body) or _decoded(body.strip(_AROUND).removeprefix(_BYTE_ORDER_MARK))
    if envelope is not None and envelope.code == OK and (elements := envelope.elements()):
        return _shown(envelope.request_id, secrets, urls), elements
    text = salvage.text_of(body)
    fields = lenient.fields_of(salvage.parse(text))
    whole = bool(fields)
    found = _elements_of(fields.get("data")) if whole else salvage.elements(text)
    if not whole:
        fields = salvage.fields_around(text)
    # All names are compared in lower case, because in the documents the tables have capitals and
    # the samples do not. Refusals of the gateway have `Code` and `Message`; refusals of the service
    # have `code` and `msg`.
    code = lenient.whole_number(fields.get("code")) or lenient.string(fields.get("code"))
    request_id = lenient.string(fields.get("requestid"))
    if code and code != OK:
        message = lenient.string(fields.get("msg") or fields.get("message")) or ""
        raise api_error(
            code, message, request_id=request_id, status=status, secrets=secrets.and_of(urls)
        )
    first = tuple(islice(found, 1 if not whole else MOST_ELEMENTS))
    if not first and not (whole and code == OK and 200 <= status < 300):
        raise cut or undocumented_error(status, body, secrets.and_of(urls))
    # The rest of a damaged body is read when it is asked for, because that may take long.
    left = first if whole else islice(chain(first, found), MOST_ELEMENTS)
    return _shown(request_id, secrets, urls), left


def _decoded(body: bytes | bytearray) -> ReceivedEnvelope | None:
    try:
        return _decoder.decode(body)
    except UNREADABLE:
        return None


def _elements_of(data: object) -> Iterator[object]:
    """Return the elements of `data`, which may also be one element, or elements by data id."""
    if isinstance(data, list):
        return iter(data)
    if not isinstance(data, dict):
        return iter(())
    if "code" in lenient.fields_of(data):
        return iter([data])
    return ({"dataId": key, **each} for key, each in data.items() if isinstance(each, dict))


def _shown(request_id: str | None, secrets: Secrets, urls: Iterable[str]) -> str | None:
    if request_id is None or _UUID.fullmatch(request_id):  # the usual case, which costs nothing
        return request_id
    return secrets.and_of(urls).hide(request_id, LONGEST_ID)
