"""The request that uploads one object: `PUT /BUCKET/KEY`.

The order of the checks: method; bucket; key; length; token; folder; form, date and value of the
signature; then the body, and its checksum. The documents do not give the order.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import secrets
import time
from collections.abc import MutableSequence
from urllib.parse import unquote_to_bytes

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from aliocr.emulator.access.request import RawRequest
from aliocr.emulator.chaos import ConnectionFault
from aliocr.emulator.http.in_flight import InFlight
from aliocr.emulator.http.visit import host_of
from aliocr.emulator.instructions import Instructions
from aliocr.emulator.reading.download import MAX_BYTES
from aliocr.emulator.storage.objects import ObjectStore
from aliocr.emulator.storage.receiving import Received, receive
from aliocr.emulator.storage.refusal import NO_TOKEN, StorageRefused
from aliocr.emulator.storage.signature import StorageClaim, check_signature, read_claim
from aliocr.emulator.storage.upload_keys import BUCKET, UploadKey, UploadKeys, owner_of
from aliocr.protocol import signing

MAX_KEY_BYTES = 1023
"""Maximum length of a key in UTF-8, in bytes. Source: "Naming conventions" of objects."""

_BAD_KEY = re.compile(r"[\x00-\x1f\x7f\\]|^/|(^|/)\.{1,2}(/|$)|//|/$")


@attrs.define
class Upload:
    """The record of one request to the storage. What is not known is None.

    Attributes:
        time: Time of arrival, in seconds since the epoch by this machine's clock.
        path: Path as received, without the query.
        account: The number of the account whose temporary key signed.
        signature_version: 4 or 1.
        size: Size of the object, in bytes.
        status: HTTP status of the answer; None if the connection broke before it.
        code: Code of the error; None if the object was stored.
        url: The URL by which a scan can name the object.
    """

    time: float
    path: str
    account: str | None = None
    signature_version: int | None = None
    size: int | None = None
    status: int | None = None
    code: str | None = None
    url: str | None = None


class PutObject:
    """Handles requests to the storage, and records them in `uploads`."""

    def __init__(
        self,
        keys: UploadKeys,
        store: ObjectStore,
        instructions: Instructions,
        in_flight: InFlight,
        *,
        uploads: MutableSequence[Upload],
        max_uploads: int | None,
    ) -> None:
        self._keys = keys
        self._store = store
        self._instructions = instructions
        self._in_flight = in_flight
        self._uploads = uploads
        self._max_uploads = max_uploads

    def handle_or(self, otherwise: Handler) -> Handler:
        """Return a handler for requests to the storage; `otherwise` handles all others."""

        async def handle(request: web.Request) -> web.StreamResponse:
            signed = request.headers.get("Authorization", "").startswith(("OSS ", "OSS4-"))
            ours = signed or _raw_path(request).startswith(f"/{BUCKET}/")
            return await (self.handle(request) if ours else otherwise(request))

        return handle

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Store the object, or answer why not."""
        self._in_flight.join()
        path = _raw_path(request)
        upload = Upload(time.time(), path)
        self._uploads.append(upload)
        if self._max_uploads is not None:
            del self._uploads[: -self._max_uploads]
        request_id = secrets.token_hex(12).upper()
        now = signing.http_date(self._instructions.now())
        headers = {"x-oss-request-id": request_id, "Date": now}
        try:
            headers |= await self._put(request, upload)
        except StorageRefused as refused:
            upload.status, upload.code = refused.status, refused.code
            headers |= {"Content-Type": "application/xml"}
            if refused.ec:
                headers["x-oss-ec"] = refused.ec
            body = refused.xml(request_id, host_of(request))
            return web.Response(status=refused.status, body=body, headers=headers)
        upload.status = 200
        return web.Response(headers=headers)

    async def _put(self, request: web.Request, upload: Upload) -> dict[str, str]:
        """Check the request and store its object; return the headers of the answer."""
        received = RawRequest(
            method=request.method,
            path=upload.path,
            query_string=request.rel_url.raw_query_string,
            fields=tuple(request.headers.items()),
            body=b"",
        )
        name = _key_of(received)
        length = _length_of(request)
        claim = read_claim(received.headers.get("authorization"))
        upload.signature_version = claim.version
        key = self._find_key(received, claim)
        upload.account, upload.size = key.uid, length
        if not name.startswith(f"{key.folder}/"):
            words = f"The temporary key is for objects in {key.folder}/."
            raise StorageRefused("AccessDenied", words, ec="0003-00000001")
        refused = self._instructions.refused_versions.take(str(claim.version))
        if refused is not None:
            raise refused.with_traceback(None)
        secret = key.credentials.access_key_secret
        check_signature(received, claim, secret, key=name, now=self._instructions.now())
        await self._fault(request)
        return await self._store_body(request, name, length, upload)

    def _find_key(self, request: RawRequest, claim: StorageClaim) -> UploadKey:
        """Return the temporary key that the request names; refuse a bad key or token."""
        key = self._keys.find(claim.access_key_id)
        if key is None:
            raise StorageRefused("InvalidAccessKeyId")
        token = request.headers.get("x-oss-security-token")
        if token is None:
            words = "The request must have the header x-oss-security-token."
            raise StorageRefused("AccessDenied", words, ec=NO_TOKEN)
        if not secrets.compare_digest(
            token.strip().encode(), (key.credentials.security_token or "").encode()
        ):
            raise StorageRefused("InvalidSecurityToken")
        if key.expires <= self._instructions.now():
            raise StorageRefused("SecurityTokenExpired")
        return key

    async def _fault(self, request: web.Request) -> None:
        """Let the fault happen that the script ordered for this upload, if there is one."""
        await asyncio.sleep(self._instructions.upload_delays.take() or 0.0)
        fault = self._instructions.upload_faults.take()
        if isinstance(fault, StorageRefused):
            raise fault.with_traceback(None)
        if fault is ConnectionFault.HANG:
            await request.content.read()
            # Wait until the client leaves or the emulator stops, because both cancel this task.
            await asyncio.Event().wait()
        if fault is ConnectionFault.DROP:
            await request.content.readany()
            if request.transport is not None:
                request.transport.abort()
            await asyncio.Event().wait()

    async def _store_body(
        self, request: web.Request, name: str, length: int, upload: Upload
    ) -> dict[str, str]:
        file = self._store.folder / f"{secrets.token_hex(16)}.part"
        try:
            received = await receive(request.content, length, file)
            _check_md5(request, received)
            self._store.put(name, file, received.sha256, received.size)
        except OSError as error:
            raise StorageRefused("InternalError", f"The disk: {error.strerror}.") from None
        finally:
            file.unlink(missing_ok=True)
        upload.url = f"oss://{BUCKET}/{name}"
        return {
            "ETag": f'"{received.md5.hex().upper()}"',
            "Content-MD5": base64.b64encode(received.md5).decode(),
            "x-oss-hash-crc64ecma": str(received.crc64),
        }


def _raw_path(request: web.Request) -> str:
    """Return the path as received; a URL of a proxy's form has none that the storage knows."""
    return request.raw_path.partition("?")[0]


def _key_of(request: RawRequest) -> str:
    """Check method, bucket and key; return the key, decoded."""
    if request.method != "PUT":
        raise StorageRefused("MethodNotAllowed", "The emulator's storage only takes PUT.")
    bucket, _, encoded = request.path.lstrip("/").partition("/")
    if bucket != BUCKET:
        raise StorageRefused("NoSuchBucket")
    if request.query_string:
        raise StorageRefused("InvalidArgument", "The emulator's storage takes no query.")
    if (ambiguity := request.find_ambiguity()) or _is_repeated(request):
        raise StorageRefused("InvalidArgument", ambiguity or "A header is sent more than once.")
    try:
        key = unquote_to_bytes(encoded).decode()
    except UnicodeError:
        raise StorageRefused("InvalidObjectName", "The key is not UTF-8.") from None
    if not key or len(key.encode()) > MAX_KEY_BYTES or _BAD_KEY.search(key):
        raise StorageRefused("InvalidObjectName")
    if owner_of(key) is None:
        raise StorageRefused("AccessDenied", "The key is not in a folder for uploads.")
    return key


def _is_repeated(request: RawRequest) -> bool:
    """Return True if a header that version 4 or 1 signs, or the length, is sent twice."""
    return any(name == "content-length" or name.startswith("x-oss-") for name in request.repeated)


def _length_of(request: web.Request) -> int:
    length = request.content_length
    if length is None:
        raise StorageRefused("MissingContentLength")
    if length > MAX_BYTES:
        raise StorageRefused("EntityTooLarge")
    return length


def _check_md5(request: web.Request, received: Received) -> None:
    sent = request.headers.get("Content-MD5")
    if sent is None:
        return
    try:
        digest = base64.b64decode(sent.strip(), validate=True)
    except binascii.Error:
        raise StorageRefused("InvalidDigest") from None
    if digest != received.md5:
        raise StorageRefused("InvalidDigest")
