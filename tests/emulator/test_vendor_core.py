"""The vendor's first Python SDK, unchanged, uses the emulator as it uses the service.

`aliyun-python-sdk-core` with `aliyun-python-sdk-green`: the SDK of the service's documents. What it
sends is written down here as well, because it shows what the service forgives.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import attrs
import pytest

from tests.support.asking import IMAGE, port_of, until
from tests.support.truth import lines_of, squeezed
from tests.support.wiretap import Wiretap

pytest.importorskip("aliyunsdkcore", reason="aliyun-python-sdk-core is not installed")
pytest.importorskip("aliyunsdkgreen", reason="aliyun-python-sdk-green is not installed")

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkgreen.request.v20180509.ImageAsyncScanRequest import ImageAsyncScanRequest
from aliyunsdkgreen.request.v20180509.ImageAsyncScanResultsRequest import (
    ImageAsyncScanResultsRequest,
)
from aliyunsdkgreen.request.v20180509.ImageSyncScanRequest import ImageSyncScanRequest

from aliocr.credentials import Credentials
from aliocr.emulator import AccessKey, Account, Emulator

REGION = "cn-shanghai"
TEMPORARY = Credentials("STS.NTExample", "secret-of-the-session", "token-of-the-session")

ClientFactory = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the SDK would use a proxy for loopback addresses too."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def client_of() -> Iterator[ClientFactory]:
    """Make clients as a user does, and close their connections after the test."""
    made: list[Any] = []

    def make(port: int, credentials: Credentials) -> Any:
        if credentials.security_token is None:
            key = {"ak": credentials.access_key_id, "secret": credentials.access_key_secret}
        else:
            key = {
                "credential": StsTokenCredential(
                    credentials.access_key_id,
                    credentials.access_key_secret,
                    credentials.security_token,
                )
            }
        client = AcsClient(region_id=REGION, port=port, **key)
        client.add_endpoint(REGION, "Green", "127.0.0.1")
        made.append(client)
        return client

    yield make
    for client in made:
        client.session.close()


def request_of(*urls: str, **fields: Any) -> Any:
    """Return the SDK's request for some images, with further fields of its body."""
    tasks = [{"dataId": f"d{number}", "url": url} for number, url in enumerate(urls)]
    request = ImageSyncScanRequest()
    request.set_content(json.dumps({"scenes": ["ocr"], "tasks": tasks} | fields).encode())
    return request


async def scan(client: Any, request: Any) -> Any:
    """Send the request in a thread, because the SDK blocks, and return the reply as JSON."""
    return json.loads(await asyncio.to_thread(client.do_action_with_exception, request))


async def refusal(client: Any, request: Any) -> Any:
    """Return the error that the SDK raises for a refusal."""
    with pytest.raises(ServerException) as caught:
        await asyncio.to_thread(client.do_action_with_exception, request)
    return caught.value


# --- what passes ----------------------------------------------------------------------------------


@pytest.mark.engine
async def test_a_picture_is_downloaded_and_read(client_of: ClientFactory) -> None:
    """A picture on a web server, the real engine, the vendor's client: its lines are in the reply.

    Source: `tests/samples/ground_truth.json`.
    """
    pytest.importorskip("rapidocr", reason="the emulator extra is not installed")
    from aliocr.emulator.engine import RapidOCREngine
    from tests.support.album import Album

    async with (
        Album() as album,
        Emulator(RapidOCREngine, deadline=None) as emulator,
        Wiretap(emulator) as tap,
    ):
        client = client_of(tap.port, emulator.credentials)
        reply = await scan(client, request_of(album.url("/sample/small_en.png")))
    (answer,) = reply["data"]
    (result,) = answer["results"]
    assert (reply["code"], answer["code"], result["label"]) == (200, 200, "ocr")
    found = [squeezed(location["text"]) for location in result["ocrLocations"]]
    assert found == lines_of("small_en.png")
    assert squeezed("".join(result["ocrData"])) == "".join(found)


async def test_a_scripted_picture_is_read(client_of: ClientFactory) -> None:
    """With the text of an instruction, without an engine."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        emulator.text(IMAGE, "hello")
        client = client_of(tap.port, emulator.credentials)
        reply = await scan(client, request_of(IMAGE, bizType="receipts"))
        (answer,) = reply["data"]
        assert (answer["dataId"], answer["url"]) == ("d0", IMAGE)
        assert answer["results"][0]["ocrData"] == ["hello"]
        (call,) = emulator.calls
        assert (call.biz_type, [task.url for task in call.tasks]) == ("receipts", [IMAGE])


async def test_what_it_sends_is_forgiven_as_the_service_forgives_it(
    client_of: ClientFactory,
) -> None:
    """No nonce, another content type, a query parameter and signed headers of its own."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        await scan(client_of(tap.port, emulator.credentials), request_of(IMAGE))
        sent = tap.only
    assert sent.line == f"POST /green/image/scan?RegionId={REGION} HTTP/1.1"
    assert "x-acs-signature-nonce" not in sent
    assert sent["Content-Type"] == "application/octet-stream"
    assert sent["Accept"] == "application/json"
    assert (sent["x-acs-action"], sent["x-acs-version"]) == ("ImageSyncScan", "2018-05-09")
    assert sent["x-acs-region-id"] == REGION
    assert (sent["x-acs-signature-method"], sent["x-acs-signature-version"]) == ("HMAC-SHA1", "1.0")
    assert re.fullmatch(r"acs \w+:[\w+/]{27}=", sent["Authorization"])
    assert sent["Date"].endswith(" GMT")
    assert sent["Content-MD5"]


async def test_the_endpoint_may_be_set_on_the_request_as_well(client_of: ClientFactory) -> None:
    """`request.set_endpoint` wins over the client's region."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        client = client_of(tap.port, emulator.credentials)
        client.add_endpoint(REGION, "Green", "host.invalid")
        request = request_of(IMAGE)
        request.set_endpoint("127.0.0.1")
        assert (await scan(client, request))["code"] == 200
        assert len(tap.sent) == 1


async def test_client_info_and_a_second_use_pass(client_of: ClientFactory) -> None:
    """Quotes, spaces and Chinese letters in the signed query; a request sent twice."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        client = client_of(tap.port, emulator.credentials)
        request = request_of(IMAGE)
        request.set_ClientInfo(json.dumps({"userNick": "小明 & co + 1%"}, ensure_ascii=False))
        assert (await scan(client, request))["code"] == 200
        assert (await scan(client, request))["code"] == 200
        assert all("ClientInfo=%7B%22userNick" in sent.line for sent in tap.sent)
        assert [call.status for call in emulator.calls] == [200, 200]


async def test_temporary_keys_pass(client_of: ClientFactory) -> None:
    """The token of the Security Token Service, in one header and signed."""
    async with Emulator(credentials=TEMPORARY) as emulator, Wiretap(emulator) as tap:
        reply = await scan(client_of(tap.port, TEMPORARY), request_of(IMAGE))
        assert reply["data"][0]["code"] == 200
        assert tap.only["x-acs-security-token"] == TEMPORARY.security_token
        assert "x-acs-accesskey-id" not in tap.only


# --- what does not --------------------------------------------------------------------------------


async def test_over_its_rate_it_is_throttled(client_of: ClientFactory) -> None:
    """`Throttling.User` in HTTP 400, which the SDK raises and does not try again."""
    async with Emulator(requests_per_second=0.1) as emulator, Wiretap(emulator) as tap:
        client = client_of(tap.port, emulator.credentials)
        assert (await scan(client, request_of(IMAGE)))["code"] == 200
        error = await refusal(client, request_of(IMAGE))
        assert (error.get_http_status(), error.get_error_code()) == (400, "Throttling.User")
        assert error.get_error_msg() == "Request was denied due to user flow control."
        assert error.get_request_id() == emulator.calls[1].request_id
        assert len(tap.sent) == 2


async def test_a_wrong_secret_is_told_by_the_echo_of_its_own_string(
    client_of: ClientFactory,
) -> None:
    """The server's string to sign is the SDK's to the letter, so that only the secret can be wrong.

    The SDK means to say `InvalidAccessKeySecret` then, but it takes the words between the first and
    the second colon for the string, and the time of `Date` has colons: with a signature of this
    kind it never says so.
    """
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        wrong = Credentials(emulator.credentials.access_key_id, "wrong")
        request = request_of(IMAGE)
        error = await refusal(client_of(tap.port, wrong), request)
        assert (error.get_http_status(), error.get_error_code()) == (400, "SignatureDoesNotMatch")
        words, _, echo = error.get_error_msg().partition(":")
        assert words.endswith("server string to sign is")
        assert echo == request.string_to_sign
        assert emulator.calls[0].code == "SignatureDoesNotMatch"


async def test_the_echo_says_invalid_secret_where_the_sdk_can_read_it(
    client_of: ClientFactory,
) -> None:
    """Without a further colon in it the SDK would report a wrong secret.

    Only the SDK's own comparison is asked here, with the words of the emulator around a string that
    it can read.
    """
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        client = client_of(tap.port, Credentials(emulator.credentials.access_key_id, "wrong"))
        request = request_of(IMAGE)
        error = await refusal(client, request)
    readable = "a string without it"
    message = error.get_error_msg().replace(request.string_to_sign, readable)
    body = json.dumps({"Code": error.get_error_code(), "Message": message}).encode()
    concluded = client._get_server_exception(error.get_http_status(), body, "", readable)
    assert concluded.get_error_code() == "InvalidAccessKeySecret"


async def test_an_unknown_key_is_refused(client_of: ClientFactory) -> None:
    """Before its signature is checked."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        unknown = Credentials("LTAIunknown", emulator.credentials.access_key_secret)
        error = await refusal(client_of(tap.port, unknown), request_of(IMAGE))
        assert error.get_http_status() == 404
        assert error.get_error_code() == "InvalidAccessKeyId.NotFound"
        assert error.get_error_msg() == "Specified access key is not found."


async def test_a_token_that_is_foreign_or_expired_is_refused(client_of: ClientFactory) -> None:
    """Each with its own code: another key's, one of a permanent key, an expired one."""
    permanent = Credentials("LTAIpermanent", "its-secret")
    account = Account([AccessKey(TEMPORARY), AccessKey(permanent)])
    async with Emulator(accounts=[account]) as emulator, Wiretap(emulator) as tap:
        for key in (TEMPORARY, permanent):
            foreign = attrs.evolve(key, security_token="another")
            error = await refusal(client_of(tap.port, foreign), request_of(IMAGE))
            assert error.get_error_code() == "InvalidSecurityToken.MismatchWithAccessKey"
        account.keys[0].expired = True
        error = await refusal(client_of(tap.port, TEMPORARY), request_of(IMAGE))
        assert error.get_error_code() == "InvalidSecurityToken.Expired"
        assert (await scan(client_of(tap.port, permanent), request_of(IMAGE)))["code"] == 200


async def test_a_key_that_is_switched_off_is_refused(client_of: ClientFactory) -> None:
    """Though the key is known and the signature right."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        emulator.accounts[0].keys[0].active = False
        error = await refusal(client_of(tap.port, emulator.credentials), request_of(IMAGE))
        assert error.get_error_code() == "InvalidAccessKeyId.Inactive"


async def test_a_bad_body_is_refused_in_the_envelope(client_of: ClientFactory) -> None:
    """HTTP 200, which is success to the SDK, and the code 400 inside."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        client = client_of(tap.port, emulator.credentials)
        assert (await scan(client, request_of(IMAGE, scenes=["porn"])))["code"] == 400
        assert (await scan(client, request_of()))["code"] == 400
        request = request_of(IMAGE)
        request.set_content(b"{")
        assert (await scan(client, request))["code"] == 400


async def test_a_bad_image_is_refused_by_itself(client_of: ClientFactory) -> None:
    """Its task's code is 400, its neighbour's 200."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        client = client_of(tap.port, emulator.credentials)
        reply = await scan(client, request_of("ftp://example.com/a.png", IMAGE))
        assert [answer["code"] for answer in reply["data"]] == [400, 200]


# --- XML ------------------------------------------------------------------------------------------

# The only way to ask for anything but JSON; the other one sets the format to JSON by itself.
PLAINLY = pytest.mark.filterwarnings("ignore:implementation_of_do_action:DeprecationWarning")


@PLAINLY
@pytest.mark.parametrize(
    ("format_name", "accept"),
    [
        (None, "application/octet-stream"),
        ("RAW", "application/octet-stream"),
        ("XML", "application/xml"),
    ],
)
async def test_a_client_that_does_not_accept_json_gets_xml(
    client_of: ClientFactory, format_name: str | None, accept: str
) -> None:
    """By default the SDK accepts `application/octet-stream`."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        client, request = client_of(tap.port, emulator.credentials), request_of(IMAGE)
        if format_name is not None:
            request.set_accept_format(format_name)
        status, headers, body = await asyncio.to_thread(client.get_response, request)
        assert tap.only["Accept"] == accept
        assert (status, headers["Content-Type"]) == (200, "text/xml;charset=utf-8")
        reply = ET.fromstring(body)  # noqa: S314 (from our own emulator)
        assert reply.findtext("code") == "200"
        assert reply.findtext("data/url") == IMAGE
        assert reply.findtext("data/results/ocrData") == f"text of {IMAGE}"


@PLAINLY
async def test_a_refusal_in_xml_is_an_unknown_one_to_the_sdk(client_of: ClientFactory) -> None:
    """The SDK parses JSON only; the code is in the body."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        wrong = Credentials(emulator.credentials.access_key_id, "wrong")
        client, request = client_of(tap.port, wrong), request_of(IMAGE)
        status, _, body = await asyncio.to_thread(client.get_response, request)
        error = ET.fromstring(body)  # noqa: S314 (from our own emulator)
        assert (status, error.tag) == (400, "Error")
        assert error.findtext("Code") == "SignatureDoesNotMatch"
        assert error.findtext("RequestId") == emulator.calls[0].request_id


async def test_images_are_scanned_later(client_of: ClientFactory) -> None:
    """Submitted, asked for while they are unfinished, and asked for again."""
    async with Emulator() as emulator:
        client = client_of(port_of(emulator), emulator.credentials)
        emulator.delay_result("*", 60)
        submission, results = ImageAsyncScanRequest(), ImageAsyncScanResultsRequest()
        submission.set_content(request_of(IMAGE).get_content())
        (item,) = (await scan(client, submission))["data"]
        results.set_content(json.dumps([item["taskId"]]).encode())
        assert (await scan(client, results))["data"][0]["code"] == 280
        emulator.pass_time(60)
        await until(lambda: emulator.charged)
        (item,) = (await scan(client, results))["data"]
    assert item["results"][0]["ocrData"] == [f"text of {IMAGE}"]
