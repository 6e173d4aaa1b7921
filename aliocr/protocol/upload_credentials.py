"""Models ⇄ the JSON of the operation UploadCredentials; the only place for its field names.

Source: the vendor's uploaders for Python, Java and Go; no page of the documents describes it.
"""

from __future__ import annotations

import msgspec

from aliocr.protocol.wire import OK, UNREADABLE, BadRequest


class UploadCredentials(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A temporary key for object storage, and where to upload.

    Attributes:
        access_key_id: Id of the temporary key.
        access_key_secret: Secret of the temporary key.
        security_token: Token of the temporary key.
        expired_time: Time at which the key expires, in milliseconds since the epoch.
        oss_endpoint: The address of the storage, without a scheme at the service.
        oss_internal_endpoint: Its address inside the vendor's network; older uploaders do not know
            this field.
        upload_bucket: Name of the bucket.
        upload_folder: Start of the keys of all objects, without a slash at its end.
    """

    access_key_id: str
    access_key_secret: str
    security_token: str
    expired_time: int
    oss_endpoint: str
    oss_internal_endpoint: str | None = None
    upload_bucket: str
    upload_folder: str

    def __repr__(self) -> str:
        """Return a text without the secret and the token."""
        return f"{type(self).__name__}(access_key_id={self.access_key_id!r}, …)"


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    code: int
    msg: str
    request_id: str
    data: UploadCredentials


def encode_reply(credentials: UploadCredentials, *, request_id: str) -> bytes:
    """Encode the body of a reply."""
    envelope = _Envelope(code=OK, msg="OK", request_id=request_id, data=credentials)
    return msgspec.json.encode(envelope)


def check_request(body: bytes) -> None:
    """Check the body of a request: a JSON object, whose fields mean nothing, or no body at all.

    Raises:
        BadRequest: The body is something else.
    """
    try:
        msgspec.json.decode(body or b"{}", type=dict[str, msgspec.Raw])
    except UNREADABLE as error:
        raise BadRequest(f"malformed body: {error}") from None
