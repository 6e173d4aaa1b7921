"""The operation UploadCredentials."""

from __future__ import annotations

import asyncio
import re
import time

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from aliocr.credentials import Credentials
from aliocr.emulator import Account, Emulator
from aliocr.emulator.storage.upload_keys import UploadKeys, owner_of
from aliocr.protocol import signing
from tests.support.asking import ask, send, until
from tests.support.uploading import ask_for_key, desk_of, put


async def test_a_temporary_key_is_handed_out() -> None:
    """With all fields that the vendor's uploaders read; each time another key."""
    async with Emulator() as emulator:
        reply = (await ask_for_key(emulator)).json
        data = reply["data"]
        assert (reply["code"], reply["msg"]) == (200, "OK")
        assert re.fullmatch("[0-9A-F-]{36}", reply["requestId"])
        assert data["accessKeyId"].startswith("STS.")
        assert data["ossEndpoint"] == data["ossInternalEndpoint"] == emulator.url
        assert 3500 < data["expiredTime"] / 1000 - time.time() <= 3600
        uid = emulator.accounts[0].uid
        assert re.fullmatch(f"upload/{uid}/[0-9]{{8}}", data["uploadFolder"])
        assert (await desk_of(emulator)).key != (await desk_of(emulator)).key
        (call, *_) = emulator.calls
        assert (call.operation, call.account, call.images) == ("UploadCredentials", uid, ())
        assert emulator.charged == 0


@pytest.mark.parametrize("body", [b"", b"{}", b'{"any":["thing"]}'])
async def test_a_body_without_meaning_is_accepted(body: bytes) -> None:
    """The vendor's first SDK sends an empty object, the newer one nothing."""
    async with Emulator() as emulator:
        assert (await ask_for_key(emulator, body)).json["code"] == 200


@pytest.mark.parametrize("body", [b"[]", b"null", b"{", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    """As for scans, in the envelope."""
    async with Emulator() as emulator:
        reply = (await ask_for_key(emulator, body)).json
        assert reply["code"] == 400
        assert reply["msg"].startswith("malformed body: ")


async def test_the_gateway_checks_it_like_a_scan() -> None:
    """Signature, action, state of the account; in XML, too."""
    async with Emulator(requests_per_second=None) as emulator:
        stranger = Credentials(emulator.credentials.access_key_id, "wrong")
        heard = await ask_for_key(emulator, credentials=stranger)
        assert heard.json["Code"] == "SignatureDoesNotMatch"
        path = signing.UPLOAD_CREDENTIALS_PATH
        headers = {"x-acs-version": "2018-05-09", "x-acs-action": "ImageSyncScan"}
        heard = await send(emulator, b"{}", headers | {"Accept": "application/json"}, path=path)
        assert heard.json["Code"] == "InvalidAction.NotFound"
        assert heard.json["Message"] == "x-acs-action must be UploadCredentials."
        emulator.set_state("overdue")
        assert (await ask_for_key(emulator)).json["code"] == 596


async def test_each_operation_has_its_own_rate() -> None:
    """Unless all count together."""
    account = Account(Credentials("a", "b"), 1)
    async with Emulator(accounts=[account], port=0) as emulator:
        assert (await ask(emulator)).status == 200
        assert (await ask_for_key(emulator)).status == 200
        assert (await ask_for_key(emulator)).json["Code"] == "Throttling.User"
    async with Emulator(requests_per_second=0.01, separate_limits=False) as emulator:
        assert (await ask(emulator)).status == 200
        assert (await ask_for_key(emulator)).json["Code"] == "Throttling.User"


async def test_a_fault_may_be_for_one_operation() -> None:
    """Requests of other operations pass, and leave it for the next that it is for."""
    async with Emulator(requests_per_second=None) as emulator:
        emulator.refuse("ServiceUnavailable", operation="UploadCredentials")
        emulator.delay(0.01, operation="ImageSyncScan")
        assert (await ask(emulator)).status == 200
        assert (await ask_for_key(emulator)).json["Code"] == "ServiceUnavailable"
        assert (await ask_for_key(emulator)).status == 200
        emulator.throttle(operation="ImageSyncScan")
        emulator.throttle()
        assert (await ask_for_key(emulator)).json["Code"] == "Throttling.User"
        assert (await ask(emulator)).json["Code"] == "Throttling.User"
        assert (await ask(emulator)).status == 200
        with pytest.raises(
            ValueError, match=r"operation must be ImageSyncScan, .*UploadCredentials"
        ):
            emulator.hang(operation="ImageScan")  # type: ignore[arg-type]


async def test_the_address_has_an_ip_address() -> None:
    """With any other name, the vendor's uploader would look for a host that is not there."""
    async with Emulator(requests_per_second=None) as emulator:
        port = emulator.url.rpartition(":")[2]
        for host, expected in {
            f"localhost:{port}": f"http://localhost:{port}",
            "127.0.0.1:1": "http://127.0.0.1:1",
            f"[::1]:{port}": f"http://[::1]:{port}",
            "emulator.example:80": f"http://127.0.0.1:{port}",
            "": f"http://127.0.0.1:{port}",
            "[::1": f"http://127.0.0.1:{port}",
            "localhost:\xff": f"http://127.0.0.1:{port}",
        }.items():
            body = b"{}"
            headers = signing.signed_headers(
                body,
                emulator.credentials,
                timestamp=time.time(),
                nonce=f"n{host}",
                path=signing.UPLOAD_CREDENTIALS_PATH,
            )
            sent = headers | {"Host": host}
            heard = await send(emulator, body, sent, path=signing.UPLOAD_CREDENTIALS_PATH)
            assert heard.json["data"]["ossEndpoint"] == expected


async def test_a_server_of_the_users_own_stores_too() -> None:
    """Its address is the one that the client used."""
    emulator = Emulator(requests_per_second=None)
    async with TestServer(emulator.application()) as server:
        emulator._port = server.port or 0
        desk = await desk_of(emulator)
        assert desk.raw["ossEndpoint"] == str(server.make_url("")).rstrip("/")
        assert (await put(emulator, desk)).status == 200
        emulator.break_uploads("hang")
        hanging = asyncio.create_task(put(emulator, desk))
        await until(lambda: len(emulator.uploads) == 2)
        await asyncio.sleep(0.05)  # it hangs when its body has been read
    with pytest.raises(aiohttp.ClientError):
        await hanging


def test_keys_are_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest first, so that a long run needs no more memory."""
    monkeypatch.setattr("aliocr.emulator.storage.upload_keys.REMEMBERED", 2)
    keys = UploadKeys()
    made = [keys.hand_out("1" * 16, 0.0) for _ in range(3)]
    found = [keys.find(key.credentials.access_key_id) for key in made]
    assert found == [None, *made[1:]]
    assert made[0].folder == f"upload/{'1' * 16}/19700101"
    assert made[0].credentials.access_key_secret not in repr(made[0])


@pytest.mark.parametrize("key", ["", "a", "upload/1/2", "other/1/2/a", "/upload/1/2/a"])
def test_a_key_in_no_folder_is_nobodys(key: str) -> None:
    """And so is not read."""
    assert owner_of(key) is None
