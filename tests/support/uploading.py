"""Uploads to an emulator over a real socket, signed as a client signs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import attrs

from aliocr.credentials import Credentials
from aliocr.emulator import Emulator
from aliocr.protocol import oss_signing, signing
from tests.support.asking import Heard, send

BUCKET = "aliocr-emulator"


@attrs.frozen
class Desk:
    """A temporary key, and where to upload with it."""

    key: Credentials
    folder: str
    raw: dict[str, Any]

    def name(self, name: str = "a") -> str:
        """The key of an object in the folder."""
        return f"{self.folder}/images/{name}"


async def ask_for_key(
    emulator: Emulator, body: bytes = b"{}", credentials: Credentials | None = None
) -> Heard:
    """Send a good request for a temporary key."""
    headers = signing.signed_headers(
        body,
        credentials or emulator.credentials,
        timestamp=time.time(),
        nonce=str(uuid.uuid4()),
        path=signing.UPLOAD_CREDENTIALS_PATH,
    )
    return await send(emulator, body, headers, path=signing.UPLOAD_CREDENTIALS_PATH)


async def desk_of(emulator: Emulator, credentials: Credentials | None = None) -> Desk:
    """Return a new temporary key."""
    data = (await ask_for_key(emulator, credentials=credentials)).json["data"]
    key = Credentials(data["accessKeyId"], data["accessKeySecret"], data["securityToken"])
    return Desk(key, data["uploadFolder"], data)


def signed(
    desk: Desk,
    name: str,
    headers: Mapping[str, str] | None = None,
    *,
    version: int = 4,
    timestamp: float | None = None,
) -> dict[str, str]:
    """Return the headers of one upload."""
    now = time.time() if timestamp is None else timestamp
    sent = {"Content-Type": "image/png"} | dict(headers or {})
    if version == 1:
        return oss_signing.v1_headers(sent, desk.key, bucket=BUCKET, key=name, timestamp=now)
    return oss_signing.v4_headers(
        sent, desk.key, bucket=BUCKET, key=name, region="cn-shanghai", timestamp=now
    )


async def put(
    emulator: Emulator,
    desk: Desk,
    data: bytes = b"picture",
    name: str = "",
    *,
    version: int = 4,
    headers: Mapping[str, str] | None = None,
) -> Heard:
    """Upload these bytes."""
    key = name or desk.name()
    sent = signed(desk, key, headers, version=version)
    return await send(emulator, data, sent, path=f"/{BUCKET}/{key}", method="PUT")


def error_of(heard: Heard) -> tuple[int, str | None, str | None]:
    """Return status, code and EC of an error."""
    root = ET.fromstring(heard.body)  # noqa: S314 (from our own emulator)
    assert root.tag == "Error"
    assert root.findtext("RequestId") == heard.headers["x-oss-request-id"]
    assert root.findtext("Message")
    return heard.status, root.findtext("Code"), root.findtext("EC")
