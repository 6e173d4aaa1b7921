"""The operation UploadCredentials: a temporary key for the emulator's own object storage."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from aiohttp import web

from aliocr.credentials import Credentials
from aliocr.emulator.calls import Call
from aliocr.emulator.http.visit import Serve, Visit, in_form
from aliocr.emulator.instructions import HttpReply
from aliocr.emulator.storage.upload_keys import BUCKET, UploadKeys
from aliocr.protocol import upload_credentials
from aliocr.protocol.upload_credentials import UploadCredentials


class CredentialsDesk:
    """Answers requests for temporary keys; `now` returns the seconds since the epoch."""

    def __init__(self, keys: UploadKeys, now: Callable[[], float]) -> None:
        self._keys = keys
        self._now = now

    def decode(self, body: bytes, call: Call) -> Serve:
        """Check the body of a request, in which no field has a meaning."""
        upload_credentials.check_request(body)
        return partial(self._serve, call)

    async def _serve(self, call: Call, visit: Visit) -> HttpReply:
        key = self._keys.hand_out(visit.account.uid, self._now())
        made: Credentials = key.credentials
        reply = UploadCredentials(
            access_key_id=made.access_key_id,
            access_key_secret=made.access_key_secret,
            security_token=made.security_token or "",
            expired_time=int(1000 * key.expires),
            oss_endpoint=storage_address(visit.request),
            oss_internal_endpoint=storage_address(visit.request),
            upload_bucket=BUCKET,
            upload_folder=key.folder,
        )
        body = upload_credentials.encode_reply(reply, request_id=call.request_id)
        return in_form(body, visit.request, call)


def storage_address(request: web.Request) -> str:
    """Return the address of the storage: that of the emulator, with scheme and IP address.

    With another host name, the vendor's uploader would send to `BUCKET.NAME`, a name that no
    resolver knows. So a client that reached the emulator by a name gets its IP address.
    """
    host = request.host
    name = urlsplit(f"//{host}").hostname or ""
    if name != "localhost" and not _is_address(name):
        ip, port, *_ = request.get_extra_info("sockname", ("127.0.0.1", 80))
        host = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
    return f"{request.scheme}://{host}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
