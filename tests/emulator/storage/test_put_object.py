"""Uploads to the emulator's storage, and what it refuses, over a real socket."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import attrs
import pytest

from aliocr.credentials import Credentials
from aliocr.emulator import Account, Emulator
from aliocr.emulator.storage.crc64 import crc64
from aliocr.protocol import oss_signing
from tests.support.asking import ask, port_of, send, until
from tests.support.uploading import BUCKET, Desk, desk_of, error_of, put, signed

VERSIONS = pytest.mark.parametrize("version", [4, 1])


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A running emulator without a rate limit."""
    async with Emulator(requests_per_second=None) as found:
        yield found


async def exchange(emulator: Emulator, request: bytes) -> bytes:
    """Send these bytes, and return what comes until the server closes or stays silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
    writer.write(request)
    heard = await reader.readuntil(b"</Error>")
    writer.close()
    return heard


def md5(data: bytes) -> str:
    """The header Content-MD5 of these bytes."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


@VERSIONS
async def test_an_object_is_stored_and_scanned(emulator: Emulator, version: int) -> None:
    """With the checksums that the vendor's library compares, and a record for the test."""
    desk, data = await desk_of(emulator), b"bytes" * 100_000
    heard = await put(emulator, desk, data, version=version, headers={"Content-MD5": md5(data)})
    assert (heard.status, heard.body) == (200, b"")
    assert (
        heard.headers["ETag"] == f'"{hashlib.md5(data, usedforsecurity=False).hexdigest().upper()}"'
    )
    assert heard.headers["x-oss-hash-crc64ecma"] == str(crc64(data))
    url = f"oss://{BUCKET}/{desk.name()}"
    (upload,) = emulator.uploads
    assert (upload.url, upload.size, upload.status) == (url, len(data), 200)
    assert (upload.signature_version, upload.account) == (version, emulator.accounts[0].uid)
    scanned = await ask(emulator, url, f"{url}-none")
    assert scanned.codes == [200, 404]
    assert scanned.data[0]["results"][0]["ocrData"] == [f"text of {url}"]
    emulator.text(url, "scripted")
    assert (await ask(emulator, url)).data[0]["results"][0]["ocrData"] == ["scripted"]


@VERSIONS
async def test_a_key_may_have_any_letters(emulator: Emulator, version: int) -> None:
    """Encoded in the path in one way or another, signed in one way."""
    desk = await desk_of(emulator)
    for name in ("发票 1+2%.png", "a~b!c'(d)*.png", "a&b=c?d#e.png"):
        key = desk.name(name)
        for path in (quote(key, safe=""), quote(key, safe="/~!'()*&=+")):
            headers = signed(desk, key, version=version)
            heard = await send(emulator, b"x", headers, path=f"/{BUCKET}/{path}", method="PUT")
            assert heard.status == 200, (name, heard.body)


WRONG_KEYS = {
    "up and out": "{folder}/../../other/images/a",
    "a dot": "{folder}/./a",
    "absolute": "/{folder}/images/a",
    "a null": "{folder}/images/a\0",
    "a backslash": "{folder}/images\\a",
    "an empty part": "{folder}//a",
    "a folder": "{folder}/images/",
    "too long": "{folder}/" + 1024 * "a",
    "nothing": "",
}


@pytest.mark.parametrize("what", WRONG_KEYS)
async def test_a_wrong_key_is_refused(emulator: Emulator, what: str) -> None:
    """Before anything else of the request is looked at; nothing is stored."""
    desk = await desk_of(emulator)
    key = WRONG_KEYS[what].format(folder=desk.folder)
    path = f"/{BUCKET}/{quote(key, safe='')}"
    heard = await send(emulator, b"x", signed(desk, key), path=path, method="PUT")
    assert error_of(heard) == (400, "InvalidObjectName", None)
    assert len(emulator._objects) == 0


async def test_a_key_that_is_not_utf_8_is_refused(emulator: Emulator) -> None:
    """No text could be signed for it."""
    desk = await desk_of(emulator)
    path = f"/{BUCKET}/{desk.folder}/%ff"
    heard = await send(emulator, b"x", signed(desk, "a"), path=path, method="PUT")
    assert error_of(heard) == (400, "InvalidObjectName", None)


async def test_a_key_is_for_its_own_folder(emulator: Emulator) -> None:
    """Neither for that of another account nor for one that is nobody's."""
    desk = await desk_of(emulator)
    other = desk.folder.replace(emulator.accounts[0].uid, "1" * 16)
    assert error_of(await put(emulator, desk, name=f"{other}/images/a"))[:2] == (
        403,
        "AccessDenied",
    )
    assert error_of(await put(emulator, desk, name="elsewhere/a"))[:2] == (403, "AccessDenied")


async def test_an_object_of_another_account_is_not_read() -> None:
    """The bucket is one for all accounts, as that of the service is."""
    keys = [Credentials(f"LTAI{name}", "secret") for name in ("one", "two")]
    async with Emulator(accounts=[Account(key) for key in keys]) as emulator:
        desk = await desk_of(emulator, keys[1])
        assert (await put(emulator, desk)).status == 200
        assert (await ask(emulator, f"oss://{BUCKET}/{desk.name()}")).codes == [403]


async def test_other_methods_and_buckets_are_refused(emulator: Emulator) -> None:
    """In the storage's form; the API's own refusals stay as they are."""
    desk = await desk_of(emulator)
    headers = signed(desk, desk.name())
    for method in ("GET", "POST", "DELETE"):
        heard = await send(emulator, b"", headers, path=f"/{BUCKET}/a", method=method)
        assert error_of(heard)[:2] == (405, "MethodNotAllowed")
    heard = await send(emulator, b"x", headers, path=f"/other/{desk.name()}", method="PUT")
    assert error_of(heard)[:2] == (404, "NoSuchBucket")
    plain = await send(emulator, b"x", {"Accept": "application/json"}, path="/a/b", method="PUT")
    assert plain.json["Code"] == "UnsupportedHTTPMethod"
    path = f"/{BUCKET}/{desk.name()}?acl"
    heard = await send(emulator, b"x", headers, path=path, method="PUT")
    assert error_of(heard)[:2] == (400, "InvalidArgument")


REFUSED: dict[str, tuple[dict[str, Any], tuple[int, str, str | None]]] = {
    "no signature": ({"drop": "Authorization"}, (403, "AccessDenied", "0003-00000001")),
    "another form": ({"Authorization": "OSS5 a"}, (400, "InvalidArgument", None)),
    "no credential": (
        {"Authorization": "OSS4-HMAC-SHA256 Signature=a"},
        (400, "InvalidArgument", None),
    ),
    "an unknown key": ({"Authorization": "OSS STS.x:a"}, (403, "InvalidAccessKeyId", None)),
    "no token": ({"drop": "x-oss-security-token"}, (403, "AccessDenied", "0002-00000003")),
    "a wrong token": (
        {"x-oss-security-token": "other"},
        (403, "InvalidSecurityToken", "0002-00000006"),
    ),
    "another type": ({"Content-Type": "image/gif"}, (403, "SignatureDoesNotMatch", None)),
    "another header": ({"x-oss-meta-a": "b"}, (403, "SignatureDoesNotMatch", None)),
}


@VERSIONS
@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_wrong_is_said(emulator: Emulator, what: str, version: int) -> None:
    """The record has the code, too."""
    changes, expected = REFUSED[what]
    desk = await desk_of(emulator)
    headers = signed(desk, desk.name(), version=version)
    headers.pop(changes.get("drop", ""), None)
    headers |= {name: value for name, value in changes.items() if name != "drop"}
    heard = await send(emulator, b"x", headers, path=f"/{BUCKET}/{desk.name()}", method="PUT")
    assert error_of(heard) == expected
    (upload,) = emulator.uploads
    assert (upload.status, upload.code, upload.url) == (*expected[:2], None)


@VERSIONS
async def test_a_secret_that_is_wrong_is_noticed(emulator: Emulator, version: int) -> None:
    """Of another key of the same account."""
    desk = await desk_of(emulator)
    token = desk.key.security_token
    wrong = attrs.evolve(desk, key=Credentials(desk.key.access_key_id, "other", token))
    heard = await put(emulator, wrong, version=version)
    assert error_of(heard) == (403, "SignatureDoesNotMatch", None)


@VERSIONS
async def test_a_clock_that_is_off_is_refused(emulator: Emulator, version: int) -> None:
    """By more than 15 minutes of the emulator's clock, which the answer shows."""
    desk = await desk_of(emulator)
    emulator.skew_clock(1000)
    heard = await put(emulator, desk, version=version)
    assert error_of(heard) == (403, "RequestTimeTooSkewed", None)
    assert "Date" in heard.headers
    emulator.skew_clock(800)
    assert (await put(emulator, desk, version=version)).status == 200


@VERSIONS
async def test_a_date_is_needed(emulator: Emulator, version: int) -> None:
    """In the form of its version."""
    desk = await desk_of(emulator)
    headers = signed(desk, desk.name(), version=version)
    headers["x-oss-date" if version == 4 else "Date"] = "yesterday"
    heard = await send(emulator, b"x", headers, path=f"/{BUCKET}/{desk.name()}", method="PUT")
    assert error_of(heard)[:2] == (403, "AccessDenied")


async def test_version_4_may_sign_further_headers(emulator: Emulator) -> None:
    """They must be named in order, and sent; the day of the scope is that of the date."""
    desk, name = await desk_of(emulator), ""
    name = desk.name()
    headers = signed(desk, name)
    date = headers["x-oss-date"]
    scope = f"{date[:8]}/eu-central-1/oss/aliyun_v4_request"
    host = emulator.url.removeprefix("http://")

    async def sent(additional: tuple[str, ...], scope: str) -> tuple[int, str | None]:
        canonical = oss_signing.v4_canonical_request(
            BUCKET, name, headers | {"Host": host}, additional=additional
        )
        text = oss_signing.v4_string_to_sign(canonical, date, scope)
        signature = oss_signing.v4_signature(desk.key.access_key_secret, text, scope)
        headers["Authorization"] = (
            f"OSS4-HMAC-SHA256 Credential={desk.key.access_key_id}/{scope},"
            f"AdditionalHeaders={';'.join(additional)},Signature={signature}"
        )
        heard = await send(emulator, b"x", headers, path=f"/{BUCKET}/{name}", method="PUT")
        return heard.status, None if heard.status == 200 else error_of(heard)[1]

    assert await sent(("host",), scope) == (200, None)
    assert await sent((), scope) == (200, None)
    assert await sent(("accept-x", "host"), scope) == (400, "InvalidArgument")
    assert await sent((), scope.replace(date[:8], "20170314")) == (400, "InvalidArgument")
    headers["x-oss-content-sha256"] = hashlib.sha256(b"x").hexdigest()
    assert await sent((), scope) == (400, "InvalidArgument")


async def test_a_wrong_checksum_stores_nothing(emulator: Emulator) -> None:
    """Neither does one that is none."""
    desk = await desk_of(emulator)
    for digest in (md5(b"other"), "none", "bm9uZQ=="):
        heard = await put(emulator, desk, b"x", headers={"Content-MD5": digest})
        assert error_of(heard) == (400, "InvalidDigest", None)
    assert len(emulator._objects) == 0
    assert list(emulator._objects.folder.iterdir()) == []


async def test_the_size_is_known_before_and_bounded(emulator: Emulator) -> None:
    """At most 20 MB; a chunked body has no size."""
    desk = await desk_of(emulator)
    headers = signed(desk, desk.name())
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"PUT /{BUCKET}/{desk.name()} HTTP/1.1\r\nHost: a\r\n{head}"
    large = await exchange(
        emulator, f"{request}Content-Length: {20 * 1024 * 1024 + 1}\r\n\r\n".encode()
    )
    assert b" 400 " in large.splitlines()[0]
    assert b"<Code>EntityTooLarge</Code>" in large
    chunked = await exchange(
        emulator, f"{request}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode()
    )
    assert b" 411 " in chunked.splitlines()[0]
    assert b"<Code>MissingContentLength</Code>" in chunked


async def test_a_client_that_leaves_leaves_nothing(emulator: Emulator) -> None:
    """Half of a body is no object, and no file."""
    desk = await desk_of(emulator)
    url = f"{emulator.url}/{BUCKET}/{desk.name()}"

    async def half() -> AsyncIterator[bytes]:
        yield b"x" * 600_000
        await until(lambda: emulator._objects._folder is not None)
        await until(lambda: any(emulator._objects.folder.iterdir()))
        raise ConnectionAbortedError

    headers = signed(desk, desk.name()) | {"Content-Length": "1000000"}
    async with aiohttp.ClientSession() as session:
        with pytest.raises((aiohttp.ClientError, ConnectionAbortedError)):
            await session.put(url, data=half(), headers=headers)
    await until(lambda: not any(emulator._objects.folder.iterdir()))
    assert len(emulator._objects) == 0
    assert emulator.uploads[0].status is None or emulator.uploads[0].status >= 400


# --- faults that a test orders --------------------------------------------------------------------


async def test_uploads_fail_as_ordered(emulator: Emulator) -> None:
    """So often, after the checks; then they succeed again."""
    desk = await desk_of(emulator)
    emulator.fail_uploads("ServiceUnavailable", 2)
    emulator.fail_uploads("RequestTimeTooSkewed", message="off", ec="1")
    assert error_of(await put(emulator, desk, name="elsewhere/a"))[1] == "AccessDenied"
    heard = [error_of(await put(emulator, desk)) for _ in range(3)]
    assert heard == [
        *(2 * [(503, "ServiceUnavailable", None)]),
        (403, "RequestTimeTooSkewed", "1"),
    ]
    assert (await put(emulator, desk)).status == 200


async def test_a_version_can_be_refused(emulator: Emulator) -> None:
    """Version 1 as the vendor announces it; version 4 like a wrong signature."""
    desk = await desk_of(emulator)
    emulator.refuse_v1()
    assert error_of(await put(emulator, desk, version=1)) == (403, "AccessDenied", "0002-00000080")
    assert (await put(emulator, desk)).status == 200
    emulator.refuse_v4(times=1)
    assert error_of(await put(emulator, desk)) == (403, "SignatureDoesNotMatch", None)
    assert (await put(emulator, desk)).status == 200
    emulator.reset()
    assert (await put(emulator, desk, version=1)).status == 200


async def test_keys_expire(emulator: Emulator) -> None:
    """All at once, or by their life; a new key works."""
    desk = await desk_of(emulator)
    assert (await put(emulator, desk)).status == 200
    emulator.expire_upload_keys()
    assert error_of(await put(emulator, desk)) == (403, "SecurityTokenExpired", "0002-00000007")
    emulator.set_upload_life(60)
    desk = await desk_of(emulator)
    assert 50 < desk.raw["expiredTime"] / 1000 - time.time() <= 60
    assert (await put(emulator, desk)).status == 200
    emulator.skew_clock(100)
    assert error_of(await put(emulator, desk))[1] == "SecurityTokenExpired"


async def test_an_object_can_be_gone(emulator: Emulator) -> None:
    """One or all."""
    desk = await desk_of(emulator)
    urls = []
    for name in "abc":
        assert (await put(emulator, desk, name=desk.name(name))).status == 200
        urls.append(f"oss://{BUCKET}/{desk.name(name)}")
    emulator.forget_upload(urls[0])
    assert (await ask(emulator, *urls)).codes == [404, 200, 200]
    emulator.forget_upload("*")
    assert (await ask(emulator, *urls)).codes == [404, 404, 404]


async def test_a_connection_can_break(emulator: Emulator) -> None:
    """In the middle, or by never being answered."""
    desk = await desk_of(emulator)
    emulator.break_uploads("drop", 2)  # aiohttp sends a PUT once more
    with pytest.raises(aiohttp.ClientError):
        await put(emulator, desk, b"x" * 1_000_000)
    emulator.break_uploads("hang")
    hanging = asyncio.create_task(put(emulator, desk))
    await until(lambda: len(emulator.uploads) == 3)
    await asyncio.sleep(0.05)
    assert not hanging.done()
    hanging.cancel()
    await asyncio.wait([hanging])
    emulator.delay_uploads(0.05, 1)
    assert (await put(emulator, desk)).status == 200
    assert [upload.status for upload in emulator.uploads] == [None, None, None, 200]


MISUSES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "an unknown code": ("fail_uploads", ("Nonsense",)),
    "no times": ("fail_uploads", ("AccessDenied", 0)),
    "a lone surrogate": ("fail_uploads", ("AccessDenied", 1, "\ud800")),
    "an unknown break": ("break_uploads", ("cut",)),
    "a delay below 0": ("delay_uploads", (-1,)),
    "a life of 0": ("set_upload_life", (0,)),
    "a URL of a host": ("forget_upload", ("https://example.com/a.png",)),
}


@pytest.mark.parametrize("what", MISUSES)
def test_a_wrong_instruction_is_refused(what: str) -> None:
    """With an error, before anything changes."""
    verb, arguments = MISUSES[what]
    if "surrogate" in what:
        with pytest.raises(ValueError, match="UTF-8"):
            Emulator().fail_uploads("AccessDenied", message="\ud800")
        return
    with pytest.raises(ValueError, match="must be"):
        getattr(Emulator(), verb)(*arguments)


async def test_the_record_is_bounded() -> None:
    """As that of the calls is."""
    async with Emulator(requests_per_second=None, max_calls=2) as emulator:
        desk = await desk_of(emulator)
        for name in "abc":
            await put(emulator, desk, name=desk.name(name))
        assert [upload.path[-1] for upload in emulator.uploads] == ["b", "c"]


async def test_stopping_removes_what_was_uploaded() -> None:
    """Nothing stays on the disk, and a new start finds nothing."""
    async with Emulator(requests_per_second=None) as emulator:
        desk: Desk = await desk_of(emulator)
        await put(emulator, desk)
        folder = emulator._objects.folder
        assert folder.exists()
        await emulator.stop()
        assert not folder.exists()
        await emulator.start()
        assert (await ask(emulator, f"oss://{BUCKET}/{desk.name()}")).codes == [404]
