"""Clients that do not accept JSON get the same replies in XML."""

from __future__ import annotations

import time
import uuid
import xml.etree.ElementTree as ET

import msgspec
import pytest

from aliocr.credentials import Credentials
from aliocr.emulator import Account, Emulator
from aliocr.emulator.http.xml import xml_parts
from aliocr.models import Region
from aliocr.protocol import signing
from tests.support.asking import IMAGE, SCAN, Heard, body_of, send
from tests.support.vectors import KEY

XML = "text/xml;charset=utf-8"


async def ask_for(
    emulator: Emulator, accept: str, body: bytes, credentials: Credentials | None = None
) -> Heard:
    """Send a good request with this `Accept` header."""
    key = credentials or emulator.credentials
    made = signing.signed_headers(body, key, timestamp=time.time(), nonce=str(uuid.uuid4()))
    headers = made | {"Accept": accept}
    del headers["Authorization"]
    text = signing.string_to_sign("POST", SCAN, (), headers)
    signature = signing.signature(key.access_key_secret, text)
    headers["Authorization"] = f"acs {key.access_key_id}:{signature}"
    return await send(emulator, body, headers)


def parsed(body: bytes) -> ET.Element:
    """Return the root element."""
    return ET.fromstring(body)  # noqa: S314 (the emulator's own)


def fields_of(element: ET.Element) -> dict[str, str | None]:
    """Return the texts of an element's children by name."""
    return {child.tag: child.text for child in element}


@pytest.mark.parametrize("accept", ["text/xml", "application/xml, */*", "*/*", "text/html"])
async def test_an_answer_comes_in_xml(accept: str) -> None:
    """Each field is an element, a list one element for each value; any text is preserved."""
    async with Emulator() as emulator:
        pieces = [Region("<Zoë> & 李\ufffe\x00\ud7ff", 1, 2, 3, 4), Region("b", 5, 6, 7, 8)]
        emulator.text(IMAGE, "a\x0bb", pieces)
        heard = await ask_for(emulator, accept, body_of(IMAGE, f"{IMAGE}?2"))
        assert (heard.status, heard.headers["Content-Type"]) == (200, XML)
        root = parsed(heard.body)
        assert root.tag == "ImageSyncScanResponse"
        assert (root.findtext("code"), root.findtext("msg")) == ("200", "OK")
        assert root.findtext("requestId") == emulator.calls[0].request_id
        assert [data.findtext("url") for data in root.iter("data")] == [IMAGE, f"{IMAGE}?2"]
        result = root.find("data/results")
        assert result is not None
        assert result.findtext("ocrData") == "a\ufffdb"
        assert result.findtext("rate") == "99.9"
        texts = [place.findtext("text") for place in result.iter("ocrLocations")]
        assert texts == ["<Zoë> & 李\ufffd\ufffd\ud7ff", "b"]
        assert emulator.calls[0].code == 200


async def test_a_refusal_comes_in_xml() -> None:
    """The gateway's and the service's, each with its own fields."""
    async with Emulator(accounts=[Account(KEY, state="overdue")]) as emulator:
        wrong = Credentials(KEY.access_key_id, "wrong")
        heard = await ask_for(emulator, "text/xml", body_of(IMAGE), wrong)
        assert (heard.status, heard.headers["Content-Type"]) == (400, XML)
        root = parsed(heard.body)
        said = fields_of(root)
        assert root.tag == "Error"
        assert list(said) == ["Code", "Message", "RequestId", "HostId", "Recommend"]
        assert said["Code"] == emulator.calls[0].code == "SignatureDoesNotMatch"
        assert said["HostId"] == emulator.url.removeprefix("http://")
        heard = await ask_for(emulator, "text/xml", body_of(IMAGE))
        assert (heard.status, heard.headers["Content-Type"]) == (200, XML)
        root = parsed(heard.body)
        assert (root.tag, root.findtext("code")) == ("ImageSyncScanResponse", "596")


@pytest.mark.parametrize(
    "accept", ["application/json", "text/xml, application/json;q=0.5", "APPLICATION/JSON"]
)
async def test_a_client_that_accepts_json_gets_it(accept: str) -> None:
    """Even if the client accepts other types too."""
    async with Emulator() as emulator:
        heard = await ask_for(emulator, accept, body_of(IMAGE))
        assert heard.codes == [200]


async def test_a_client_without_accept_header_gets_json() -> None:
    """Without an `Accept` header, which is mandatory, the refusal is in JSON."""
    async with Emulator() as emulator:
        heard = await ask_for(emulator, "", body_of(IMAGE))
        assert (heard.status, heard.json["Code"]) == (400, "MissingAccept")


async def test_another_reply_stays_as_it_is() -> None:
    """A proxy's page is not converted."""
    async with Emulator() as emulator:
        emulator.respond(502, '{"Code": "x"}', "application/json")
        heard = await ask_for(emulator, "text/xml", body_of(IMAGE))
        assert (heard.status, heard.json) == (502, {"Code": "x"})


def test_nothing_and_an_empty_object_have_their_forms() -> None:
    """Null and an empty list leave no element, an empty object an empty one."""
    body = msgspec.json.encode(
        {"a": None, "b": [], "c": {}, "d": True, "e": 1.0, "f": [1, None, 2], "g": ""}
    )
    root = parsed(b"".join(xml_parts(body, action="ImageSyncScan")))
    assert [(child.tag, child.text) for child in root] == [
        ("c", None),
        ("d", "true"),
        ("e", "1.0"),
        ("f", "1"),
        ("f", "2"),
        ("g", None),
    ]
