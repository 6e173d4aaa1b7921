"""The landing page without a browser: its recipients, its policy, and cross-site requests."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from multidict import CIMultiDict

from aliocr.codes.lookup import OF_THE_SERVICE
from aliocr.emulator import Emulator
from aliocr.emulator.access.operations import OPERATIONS
from tests.support.asking import Heard, ask

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A running emulator without an engine."""
    async with Emulator() as found:
        yield found


async def visit(emulator: Emulator, path: str = "/", method: str = "GET", **headers: str) -> Heard:
    """Send a request with only these headers, `_` for `-` in their names."""
    names = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    async with (
        aiohttp.ClientSession(skip_auto_headers=("Accept",)) as session,
        session.request(method, emulator.url + path, headers=names) as response,
    ):
        return Heard(response.status, response.headers, await response.read())


def directives(heard: Heard) -> dict[str, list[str]]:
    """Return the page's content security policy: the allowed sources of each kind."""
    parts = heard.headers["Content-Security-Policy"].split("; ")
    return {name: sources for name, *sources in (part.split() for part in parts)}


# --- recipients -----------------------------------------------------------------------------------


async def test_a_browser_gets_the_page(emulator: Emulator) -> None:
    """At the endpoint itself; it is not a request to the service, so it is not recorded."""
    heard = await visit(emulator, Accept=BROWSER)
    assert heard.status == 200
    assert heard.headers["Content-Type"] == "text/html; charset=utf-8"
    assert heard.headers["X-Content-Type-Options"] == "nosniff"
    assert heard.headers["Cache-Control"] == "no-store"
    assert b"<title>aliocr emulator</title>" in heard.body
    assert not emulator.calls


async def test_a_head_request_gets_no_body(emulator: Emulator) -> None:
    """HEAD gets the headers of GET."""
    whole, head = (
        await visit(emulator, Accept=BROWSER),
        await visit(emulator, method="HEAD", Accept=BROWSER),
    )
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.body))


@pytest.mark.parametrize("accept", ["*/*", "text/plain", None])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_person_without_a_browser_gets_a_hint(
    emulator: Emulator, method: str, accept: str | None
) -> None:
    """`curl` with only the address says where things are, and is not recorded either."""
    heard = await visit(emulator, method=method, **({"Accept": accept} if accept else {}))
    assert (heard.status, heard.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    if method == "GET":
        for path in re.findall(r"(?:GET|POST) +(/\S*)", heard.body.decode()):
            assert (await visit(emulator, path)).status in (200, 400)
    paths = list(OPERATIONS) if method == "GET" else []
    assert [call.path for call in emulator.calls] == paths


@pytest.mark.parametrize(
    "headers",
    [
        *({"Accept": accept} for accept in ("application/json", "text/xml", "application/xml")),
        {"Accept": "*/*", "Authorization": "acs a:b"},
        {"x_acs_version": "2018-05-09"},
    ],
)
async def test_other_clients_get_the_services_answer(
    emulator: Emulator, headers: dict[str, str]
) -> None:
    """The service has nothing at `/`, and a client with that mistake must find it here too."""
    heard = await visit(emulator, **headers)
    assert (heard.status, b"UnsupportedHTTPMethod" in heard.body) == (400, True)
    assert (await visit(emulator, method="POST", Accept=BROWSER)).status == 404
    assert [(call.method, call.path) for call in emulator.calls] == [("GET", "/"), ("POST", "/")]


# --- what it may do -------------------------------------------------------------------------------


async def test_the_page_may_run_its_own_script_and_no_other(emulator: Emulator) -> None:
    """By the hashes of its one script and one style; nothing else, from no other source."""
    heard = await visit(emulator, Accept=BROWSER)
    policy = directives(heard)
    page = heard.body.decode()
    for tag, name in (("script", "script-src"), ("style", "style-src")):
        (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert policy.pop(name) == [f"'sha256-{digest}'"]
    assert policy == {
        "default-src": ["'none'"],
        "img-src": ["data:", "blob:", "'self'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }


async def test_the_page_needs_nothing_but_itself(emulator: Emulator) -> None:
    """It works without a network: its only addresses are in examples and in SVG."""
    page = (await visit(emulator, Accept=BROWSER)).body.decode()
    addresses = set(re.findall(r"https?://[\w.-]+", page))
    assert addresses == {"http://www.w3.org", "https://example.com"}
    assert not re.search(r"<(script|link|img|iframe)[^>]+src=", page)
    assert "@import" not in page


async def test_the_page_makes_no_markup_of_data(emulator: Emulator) -> None:
    """A URL or a text in a picture stays text; no inline handlers, no inline styles."""
    page = (await visit(emulator, Accept=BROWSER)).body.decode()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", page)
    body = page.partition("<body")[2].partition("<script>")[0]
    assert not re.search(r"\s(on\w+|style)=", body)


async def test_the_page_holds_no_key(emulator: Emulator) -> None:
    """The page is static; the data it fetches holds the key's id and never the secret."""
    heard = [
        await visit(emulator, Accept=BROWSER),
        await visit(emulator, "/_emulator/status"),
        await visit(emulator, "/_emulator/calls"),
    ]
    await ask(emulator)
    heard.append(await visit(emulator, "/_emulator/calls"))
    secret = emulator.credentials.access_key_secret.encode()
    assert all(each.status == 200 and secret not in each.body for each in heard)
    assert emulator.credentials.access_key_id.encode() not in heard[0].body


# --- cross-site requests --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin", ["https://example.com", "null", "http://127.0.0.1:1", "http://[", ""]
)
@pytest.mark.parametrize("path", ["read", "script/reset", "nothing"])
async def test_a_foreign_page_may_not_use_the_emulator(
    emulator: Emulator, origin: str, path: str
) -> None:
    """Another page in a developer's browser can neither change nor read anything."""
    heard = await visit(emulator, f"/_emulator/{path}", "POST", Origin=origin)
    assert heard.status == 403
    assert "may not use this emulator" in heard.json["error"]


async def test_its_own_page_and_programs_may(emulator: Emulator) -> None:
    """The page has the same origin, a program sends none; both may read anyway."""
    assert (await visit(emulator, "/_emulator/script/reset", "POST")).status == 204
    own = await visit(emulator, "/_emulator/script/reset", "POST", Origin=emulator.url)
    assert own.status == 204
    assert (await visit(emulator, "/_emulator/health", Origin="https://example.com")).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:80", 200),
        ("192.168.0.7", 200),
        ("[::1]:8080", 200),
        ("localhost:8080", 200),
        ("LOCALHOST.", 200),
        ("emulator:8080", 200),
        ("ocr.localhost", 200),
        ("emulator.default.svc.cluster.local", 200),
        ("rebound.example.com:8080", 403),
        ("127.0.0.1.example.com", 403),
        ("[", 403),
    ],
)
async def test_a_public_host_name_is_refused(emulator: Emulator, host: str, status: int) -> None:
    """DNS rebinding: otherwise the name of another page could be pointed here."""
    assert (await visit(emulator, "/_emulator/calls", Host=host)).status == status
    rebound = await visit(
        emulator, "/_emulator/script/reset", "POST", Host=host, Origin=f"http://{host.lower()}"
    )
    assert rebound.status == (204 if status == 200 else 403)


async def test_the_services_paths_do_not_check_the_origin(emulator: Emulator) -> None:
    """The service's paths are protected by signatures, under any host name."""
    heard = await visit(
        emulator,
        "/green/image/scan",
        "POST",
        Host="green.cn-shanghai.aliyuncs.com",
        Origin="https://example.com",
    )
    assert (heard.status, "Code" in heard.json) == (400, True)


async def test_the_page_explains_every_code_that_the_service_has(emulator: Emulator) -> None:
    """A row for each, to which the codes of recent requests link."""
    page = (await visit(emulator, Accept=BROWSER)).body.decode()
    for code, words in OF_THE_SERVICE.items():
        row = page.partition(f'<tr id="code-{code}">')[2].partition("</tr>")[0]
        assert html.escape(words.cause) in row
        assert html.escape(words.action) in row
