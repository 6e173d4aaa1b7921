"""The vendor's present SDK, unchanged, uses the emulator as it uses the service.

`alibabacloud-tea-openapi` through its generic call, because the class that the vendor generated for
this request has no field for the body. By default it signs by version 3, ACS3-HMAC-SHA256, and with
`v2` by version 1, HMAC-SHA1. Its requests are written down here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import attrs
import pytest

from tests.support.asking import IMAGE
from tests.support.truth import lines_of, squeezed
from tests.support.wiretap import Sent, Wiretap

pytest.importorskip("alibabacloud_tea_openapi", reason="alibabacloud-tea-openapi is not installed")

from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.exceptions import (
    AlibabaCloudException,
    ClientException,
    ThrottlingException,
)
from alibabacloud_tea_openapi.utils import (
    Utils,
    get_canonical_query_string,
    get_canonicalized_headers,
)
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.core import DaraCore
from darabonba.request import DaraRequest
from darabonba.runtime import RuntimeOptions

from aliocr.credentials import Credentials
from aliocr.emulator import AccessKey, Account, Emulator

# Since Python 3.12 the SDK's way to tell the time is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

TEMPORARY = Credentials("STS.NTExample", "secret-of-the-session", "token-of-the-session")

PARAMS = {
    "action": "ImageSyncScan",
    "version": "2018-05-09",
    "protocol": "HTTP",
    "pathname": "/green/image/scan",
    "method": "POST",
    "auth_type": "AK",
    "style": "ROA",
    "req_body_type": "json",
    "body_type": "json",
}

Call = Callable[..., Awaitable[dict[str, Any]]]


async def in_a_thread(client: Any, *arguments: Any) -> Any:
    """Send by the SDK's blocking call."""
    return await asyncio.to_thread(client.call_api, *arguments)


async def in_the_loop(client: Any, *arguments: Any) -> Any:
    """Send by the SDK's asynchronous call."""
    return await client.call_api_async(*arguments)


@pytest.fixture(autouse=True)
def clean_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remove proxy settings, and close the connections after the test."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield
    for session in DaraCore._sessions.values():
        session.close()
    DaraCore._sessions.clear()


@pytest.fixture(params=[None, "v2"], ids=["ACS3-HMAC-SHA256", "HMAC-SHA1"])
def algorithm(request: pytest.FixtureRequest) -> str | None:
    """The SDK's signature algorithm."""
    name: str | None = request.param
    return name


@pytest.fixture(params=[in_a_thread, in_the_loop], ids=["call_api", "call_api_async"])
def scan(request: pytest.FixtureRequest, algorithm: str | None) -> Call:
    """Send one body over a wiretap, signed with a key, and return the SDK's answer."""
    way: Callable[..., Awaitable[dict[str, Any]]] = request.param

    async def call(tap: Wiretap, key: Credentials, body: Any, **fields: Any) -> dict[str, Any]:
        config = Config(
            access_key_id=key.access_key_id,
            access_key_secret=key.access_key_secret,
            security_token=key.security_token,
            endpoint=f"127.0.0.1:{tap.port}",
            signature_algorithm=algorithm,
        )
        request = OpenApiRequest(body=body, **fields)
        return await way(Client(config), Params(**PARAMS), request, RuntimeOptions())

    return call


async def code_of(asking: Awaitable[object]) -> Any:
    """Return the code that the SDK raises."""
    with pytest.raises(ClientException) as caught:
        await asking
    error: Any = caught.value
    return error.code


def body_of(*urls: str, **fields: Any) -> dict[str, Any]:
    """Return a request's body for some images, with further fields."""
    tasks = [{"dataId": f"d{number}", "url": url} for number, url in enumerate(urls)]
    return {"scenes": ["ocr"], "tasks": tasks} | fields


# --- what passes ----------------------------------------------------------------------------------


@pytest.mark.engine
async def test_a_picture_is_downloaded_and_read(scan: Call) -> None:
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
        heard = await scan(tap, emulator.credentials, body_of(album.url("/sample/small_en.png")))
    (answer,) = heard["body"]["data"]
    (result,) = answer["results"]
    assert (heard["statusCode"], answer["code"], result["label"]) == (200, 200, "ocr")
    found = [squeezed(location["text"]) for location in result["ocrLocations"]]
    assert found == lines_of("small_en.png")


async def test_a_scripted_picture_is_read(scan: Call) -> None:
    """With the text of an instruction, without an engine."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        emulator.text(IMAGE, "你好 hello")
        heard = await scan(tap, emulator.credentials, body_of(IMAGE, bizType="小票"))
        (answer,) = heard["body"]["data"]
        assert (answer["dataId"], answer["url"]) == ("d0", IMAGE)
        assert answer["results"][0]["ocrData"] == ["你好 hello"]
        (call,) = emulator.calls
        assert (call.biz_type, [task.url for task in call.tasks]) == ("小票", [IMAGE])


async def test_what_it_sends_is_forgiven_as_the_service_forgives_it(
    scan: Call, algorithm: str | None
) -> None:
    """No checksum, a charset in the content type, and signed headers of its own."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        await scan(tap, emulator.credentials, body_of(IMAGE))
        sent, port = tap.only, tap.port
    assert sent.line == "POST /green/image/scan HTTP/1.1"
    assert (sent["Accept"], sent["Host"]) == ("application/json", f"127.0.0.1:{port}")
    assert sent["Content-Type"] == "application/json; charset=utf-8"
    assert (sent["x-acs-action"], sent["x-acs-version"]) == ("ImageSyncScan", "2018-05-09")
    assert sent["x-acs-credentials-provider"] == "static_ak"
    assert re.fullmatch("[0-9a-f]{32}", sent["x-acs-signature-nonce"])
    assert "Content-MD5" not in sent
    if algorithm is None:
        assert "x-acs-signature-method" not in sent
        assert "Date" not in sent
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sent["x-acs-date"])
        assert re.fullmatch("[0-9a-f]{64}", sent["x-acs-content-sha256"])
        assert re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=\w+,"
            "SignedHeaders=accept;content-type;host;user-agent;x-acs-action;x-acs-content-sha256;"
            "x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,"
            "Signature=[0-9a-f]{64}",
            sent["Authorization"],
        )
    else:
        assert "x-acs-content-sha256" not in sent
        assert sent["x-acs-signature-method"] == "HMAC-SHA1"
        assert sent["x-acs-signature-version"] == "1.0"
        assert sent["Date"].endswith(" GMT")
        assert re.fullmatch(r"acs \w+:[\w+/]{27}=", sent["Authorization"])


async def test_a_query_and_headers_of_ones_own_pass(scan: Call) -> None:
    """Signed as they are: Chinese letters, escaped characters, an empty value, a blank."""
    query = {
        "clientInfo": json.dumps({"userNick": "小明 & co + 1%~*"}, ensure_ascii=False),
        "e": "",
    }
    headers = {"x-acs-region-id": "cn-shanghai", "x-note": "two  words "}
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        fields = {"query": query, "headers": headers}
        heard = await scan(tap, emulator.credentials, body_of(IMAGE), **fields)
        assert heard["body"]["code"] == 200
        assert "clientInfo=%7B%22userNick" in tap.only.line


async def test_temporary_keys_pass(scan: Call) -> None:
    """The key's id and the token of the Security Token Service, both in signed headers."""
    async with Emulator(credentials=TEMPORARY) as emulator, Wiretap(emulator) as tap:
        heard = await scan(tap, TEMPORARY, body_of(IMAGE))
        assert heard["body"]["data"][0]["code"] == 200
        assert tap.only["x-acs-security-token"] == TEMPORARY.security_token
        assert tap.only["x-acs-accesskey-id"] == TEMPORARY.access_key_id
        assert tap.only["x-acs-credentials-provider"] == "static_sts"


# --- what does not --------------------------------------------------------------------------------


async def test_over_its_rate_it_is_throttled(scan: Call) -> None:
    """`Throttling.User` in HTTP 400, which the SDK raises and does not try again."""
    async with Emulator(requests_per_second=0.1) as emulator, Wiretap(emulator) as tap:
        await scan(tap, emulator.credentials, body_of(IMAGE))
        with pytest.raises(AlibabaCloudException) as caught:
            await scan(tap, emulator.credentials, body_of(IMAGE))
        error: Any = caught.value
        assert (error.status_code, error.code) == (400, "Throttling.User")
        assert "Request was denied due to user flow control." in error.message
        assert error.request_id == emulator.calls[1].request_id
        assert len(tap.sent) == 2


async def test_a_throttled_request_is_told_when_to_come_again(scan: Call) -> None:
    """In milliseconds, in a header that makes the SDK raise another class."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        emulator.refuse("Throttling.User", retry_after=1.5)
        with pytest.raises(ThrottlingException) as caught:
            await scan(tap, emulator.credentials, body_of(IMAGE))
        error: Any = caught.value
        assert (error.code, error.retry_after) == ("Throttling.User", 1500)


async def test_a_wrong_secret_is_told_by_the_echo_of_the_sdks_own_string(
    scan: Call, algorithm: str | None
) -> None:
    """The server's string to sign is the SDK's to the letter: only the secret can be wrong."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        wrong = Credentials(emulator.credentials.access_key_id, "wrong")
        with pytest.raises(ClientException) as caught:
            await scan(tap, wrong, body_of(IMAGE), query={"clientInfo": '{"ip": "127.0.0.2"}'})
        error: Any = caught.value
        assert (error.status_code, error.code) == (400, "SignatureDoesNotMatch")
        assert error.request_id == emulator.calls[0].request_id
        assert string_to_sign(tap.only, algorithm) in error.message


def string_to_sign(sent: Sent, algorithm: str | None) -> str:
    """Return the string to sign that the SDK's own functions make of a sent request."""
    headers = {name.lower(): value for name, value in sent.headers.items()}
    query = {"clientInfo": '{"ip": "127.0.0.2"}'}
    if algorithm == "v2":
        request = DaraRequest()
        request.method, request.pathname = "POST", "/green/image/scan"
        request.headers, request.query = headers, query
        text: str = Utils.get_string_to_sign(request)
        return text
    _, names = headers["authorization"].split(",")[:2]
    names = names.removeprefix("SignedHeaders=")
    signed, joined = get_canonicalized_headers({name: headers[name] for name in names.split(";")})
    checksum = hashlib.sha256(sent.body).hexdigest()
    query_string = get_canonical_query_string(query)
    canonical = f"POST\n/green/image/scan\n{query_string}\n{signed}\n{joined}\n{checksum}"
    return f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"


async def test_an_unknown_key_is_refused(scan: Call) -> None:
    """Before its signature is checked."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        unknown = Credentials("LTAIunknown", emulator.credentials.access_key_secret)
        with pytest.raises(ClientException) as caught:
            await scan(tap, unknown, body_of(IMAGE))
        error: Any = caught.value
        assert (error.status_code, error.code) == (404, "InvalidAccessKeyId.NotFound")


async def test_a_token_that_is_foreign_or_expired_is_refused(scan: Call) -> None:
    """Each with its own code: another key's, one of a permanent key, an expired one."""
    permanent = Credentials("LTAIpermanent", "its-secret")
    account = Account([AccessKey(TEMPORARY), AccessKey(permanent)])
    async with Emulator(accounts=[account]) as emulator, Wiretap(emulator) as tap:
        for key in (TEMPORARY, permanent):
            foreign = attrs.evolve(key, security_token="another")
            assert await code_of(scan(tap, foreign, body_of(IMAGE))) == (
                "InvalidSecurityToken.MismatchWithAccessKey"
            )
        account.keys[0].expired = True
        assert await code_of(scan(tap, TEMPORARY, body_of(IMAGE))) == "InvalidSecurityToken.Expired"
        assert (await scan(tap, permanent, body_of(IMAGE)))["body"]["code"] == 200


async def test_a_key_that_is_switched_off_is_refused(scan: Call) -> None:
    """Though the key is known and the signature right."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        emulator.accounts[0].keys[0].active = False
        asking = scan(tap, emulator.credentials, body_of(IMAGE))
        assert await code_of(asking) == "InvalidAccessKeyId.Inactive"


@pytest.mark.parametrize("algorithm", [None], indirect=True, ids=["ACS3-HMAC-SHA256"])
async def test_a_refusal_in_xml_is_read(scan: Call) -> None:
    """The SDK finds code and request id in an `Error` element.

    It does so only where it signs by version 3; by version 1 it reads nothing but JSON.
    """
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        wrong = Credentials(emulator.credentials.access_key_id, "wrong")
        with pytest.raises(ClientException) as caught:
            await scan(tap, wrong, body_of(IMAGE), headers={"accept": "text/xml"})
        error: Any = caught.value
        assert (error.status_code, error.code) == (400, "SignatureDoesNotMatch")
        assert error.request_id == emulator.calls[0].request_id


async def test_a_bad_body_is_refused_in_the_envelope(scan: Call) -> None:
    """HTTP 200, which is success to the SDK, and the code 400 inside."""
    async with Emulator() as emulator, Wiretap(emulator) as tap:
        bodies: tuple[Any, ...] = (body_of(IMAGE, scenes=["porn"]), body_of(), [], "{")
        for body in bodies:
            heard = await scan(tap, emulator.credentials, body)
            assert (heard["statusCode"], heard["body"]["code"]) == (200, 400)
        heard = await scan(tap, emulator.credentials, body_of("ftp://example.com/a.png", IMAGE))
        assert [answer["code"] for answer in heard["body"]["data"]] == [400, 200]
