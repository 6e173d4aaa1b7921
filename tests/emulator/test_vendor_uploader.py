"""The vendor's own uploader, unchanged, uploads to the emulator, which reads what it uploaded.

`aliyun-python-sdk-green-extension` with `oss2`: the SDK that the service's guide for local files
uses.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.asking import ask

pytest.importorskip("aliyunsdkgreen", reason="aliyun-python-sdk-green is not installed")
pytest.importorskip("oss2", reason="oss2 is not installed")
pytest.importorskip("aliyunsdkgreenextension", reason="its extension is not installed")

import oss2
from aliyunsdkcore.client import AcsClient
from aliyunsdkgreenextension.request.extension import ClientUploader

from aliocr.emulator import Emulator

pytestmark = pytest.mark.filterwarnings("ignore:do_action.. method is deprecated")
"""The vendor's uploader calls an older method of the vendor's client."""

DATA = b"\xff\xd8 a picture " * 50_000


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the SDK would use a proxy for loopback addresses too."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A running emulator without a rate limit."""
    async with Emulator(requests_per_second=None) as found:
        yield found


def uploader_of(emulator: Emulator) -> Any:
    """The uploader for images, made as the guide makes it."""
    key = emulator.credentials
    port = int(emulator.url.rpartition(":")[2])
    client = AcsClient(key.access_key_id, key.access_key_secret, "cn-shanghai", port=port)
    client.add_endpoint("cn-shanghai", "Green", "127.0.0.1")
    return ClientUploader.getImageClientUploader(client)


async def test_bytes_and_files_are_uploaded_and_read(emulator: Emulator, tmp_path: Path) -> None:
    """It compares the checksum of the answer; one temporary key serves both uploads."""
    file = tmp_path / "a.png"
    file.write_bytes(DATA[:1000])
    uploader = uploader_of(emulator)
    urls = [
        await asyncio.to_thread(uploader.uploadBytes, DATA),
        await asyncio.to_thread(uploader.uploadFile, str(file)),
    ]
    assert [upload.url for upload in emulator.uploads] == urls
    assert [upload.size for upload in emulator.uploads] == [len(DATA), 1000]
    assert {upload.signature_version for upload in emulator.uploads} == {1}
    assert "%2F" in emulator.uploads[0].path
    scanned = await ask(emulator, *urls)
    assert scanned.codes == [200, 200]
    assert [call.operation for call in emulator.calls] == ["UploadCredentials", "ImageSyncScan"]
    uid = emulator.accounts[0].uid
    assert emulator._objects.find(urls[0], uid).read() == DATA


async def test_an_error_of_the_storage_is_understood(emulator: Emulator) -> None:
    """The XML has the elements that the vendor's library reads."""
    uploader = uploader_of(emulator)
    emulator.refuse_v1()
    with pytest.raises(oss2.exceptions.AccessDenied) as caught:
        await asyncio.to_thread(uploader.uploadBytes, DATA)
    error = caught.value
    assert (error.status, error.code, error.ec) == (403, "AccessDenied", "0002-00000080")
    assert error.request_id
    emulator.reset()
    emulator.expire_upload_keys()
    with pytest.raises(oss2.exceptions.ServerError) as expired:
        await asyncio.to_thread(uploader.uploadBytes, DATA)
    assert expired.value.code == "SecurityTokenExpired"


async def test_its_version_4_is_accepted(emulator: Emulator) -> None:
    """With and without further signed headers, as the vendor's library signs."""
    uploader = uploader_of(emulator)
    await asyncio.to_thread(uploader.uploadBytes, b"first")
    key = uploader._credentials
    auth = oss2.StsAuth(
        key.get_AccessKeyId(),
        key.get_AccessKeySecret(),
        key.get_SecurityToken(),
        auth_version=oss2.AUTH_VERSION_4,
    )
    bucket = oss2.Bucket(auth, key.get_OssEndpoint(), key.get_UploadBucket(), region="cn-shanghai")
    name = f"{key.get_UploadFolder()}/images/发票 1+2.png"
    headers = {"Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="}
    done = await asyncio.to_thread(bucket.put_object, name, b"hello", headers)
    assert done.etag == "5D41402ABC4B2A76B9719D911017C592"
    assert emulator.uploads[-1].signature_version == 4
