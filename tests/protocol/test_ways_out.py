"""The ways out: proxies and their refusals, `~/.netrc`, certificates; on real sockets."""

import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from itertools import product
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aliocr import AuthError, OCRError, ScanTimeoutError, Session, TransportError
from aliocr.emulator import Emulator
from aliocr.route import route_to
from tests.support.certificates import Authority
from tests.support.proxy import VARIABLES, Door, Proxy

Sessions = Callable[..., Session]

URL = "https://example.com/a.png"
LOGIN, QUOTED = "me:p@ß/名#?", "me:p%40%C3%9F%2F%E5%90%8D%23%3F"
WRONG = "me:canary-of-the-proxy"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable that this machine may have."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that nobody else trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["http", "https"])
async def beyond(
    request: pytest.FixtureRequest, emulator: Emulator, authority: Authority
) -> AsyncIterator[tuple[str, int]]:
    """An endpoint that no name server knows, and the port where it really is."""
    port = int(emulator.url.rpartition(":")[2])
    if request.param == "http":
        yield "http://green.test", port
        return
    async with Door(port, authority.server("green.test")) as door:
        yield "https://green.test", door.port


@pytest.mark.parametrize(
    "way", list(product(["argument", "environment", "http"], ["", LOGIN], [False, True])), ids=str
)
async def test_a_proxy_is_the_way_out(
    beyond: tuple[str, int],
    session: Sessions,
    authority: Authority,
    environment: pytest.MonkeyPatch,
    way: tuple[str, str, bool],
) -> None:
    """To both kinds of endpoint, and one tunnel carries many requests."""
    endpoint, port = beyond
    by, login, secured = way
    tls = authority.server("127.0.0.1") if secured else None
    async with Proxy(port, tls, login=login) as proxy, aiohttp.ClientSession() as http:
        url = proxy.url(login and QUOTED)
        given: dict[str, Any] = {"proxy": url, "tls": authority.client()}
        if by == "environment":
            given = {}
            environment.setenv(f"{endpoint.partition(':')[0]}_proxy", url)
            environment.setenv("SSL_CERT_FILE", str(authority.file))
        elif by == "http":
            given |= {"http": http}
        async with session(endpoint=endpoint, **given) as ocr:
            for _ in range(3):
                assert (await ocr.scan(URL)).text == f"text of {URL}"
    (head,) = proxy.heads
    assert head.startswith("CONNECT green.test:443 " if "s:" in endpoint else f"POST {endpoint}/")


LOST: dict[str, tuple[dict[str, Any], str, type[OCRError], str]] = {
    "no login": ({"login": LOGIN}, "", AuthError, "HTTP 407"),
    "wrong login": ({"login": LOGIN}, WRONG, AuthError, "that were given"),
    "forbidden": ({"status": 403}, WRONG, AuthError, "ask the owner"),
}


@pytest.mark.parametrize("case", LOST)
async def test_a_refusal_names_the_proxy_and_costs_nothing(
    beyond: tuple[str, int], session: Sessions, authority: Authority, case: str
) -> None:
    """For a thousand images as for one: what the proxy refuses once, it refuses always."""
    endpoint, port = beyond
    options, login, kind, says = LOST[case]
    async with Proxy(port, **options) as proxy:
        named = proxy.url()
        given = {"endpoint": endpoint, "proxy": proxy.url(login), "tls": authority.client()}
        async with session(**given) as ocr:
            with pytest.raises(kind) as caught:
                await ocr.scan(URL)
            assert ocr.stats.requests == 1
        async with session(**given) as ocr:
            with pytest.raises(kind):
                await ocr.scan_many([f"https://example.com/{n}.png" for n in range(1000)])
            assert ocr.stats.requests <= 4
    text = str(caught.value)
    assert f"the proxy {named} refuses" in text
    assert says in text
    assert "\n" not in text
    assert "canary" not in f"{text}{caught.value!r}{ocr!r}"
    assert not caught.value.maybe_charged


@pytest.mark.usefixtures("virtual_clock")
@pytest.mark.parametrize("status", [203, 302, 400, 403, 404, 407, 429, 500, 502, 503, 504])
async def test_a_page_of_a_proxy_never_repeats_its_login(
    beyond: tuple[str, int], session: Sessions, authority: Authority, status: int
) -> None:
    """It is four tries at most; without TLS it may have been the service that failed."""
    endpoint, port = beyond
    async with Proxy(port, status=status) as proxy:
        given = {"endpoint": endpoint, "proxy": proxy.url(WRONG), "tls": authority.client()}
        async with session(**given, patience=1, throttle_timeout=1) as ocr:
            with pytest.raises(OCRError) as caught:
                await ocr.scan(URL)
            assert ocr.stats.requests <= 4
        text = f"{caught.value} {caught.value!r}"
        assert "proxy" in text or status in (203, 429)
    assert "canary" not in text
    assert "Y2FuYXJ5" not in text  # as the header has it


@pytest.mark.usefixtures("virtual_clock")
async def test_a_silent_proxy_is_no_connection(
    session: Sessions, authority: Authority, emulator: Emulator
) -> None:
    """A tunnel that does not come about carries nothing, so nothing is charged."""
    async with (
        Proxy(0, silent=True) as proxy,
        session(endpoint="https://green.test", proxy=proxy.url(WRONG), max_retries=3) as ocr,
    ):
        with pytest.raises(ScanTimeoutError, match=f"within 3 s .proxy: {proxy.url()}.$") as caught:
            await ocr.scan(URL)
    assert not caught.value.maybe_charged


@pytest.mark.usefixtures("virtual_clock")
@pytest.mark.parametrize("endpoint", ["http://green.test", "https://green.test"])
async def test_a_dead_proxy_is_no_connection(session: Sessions, endpoint: str) -> None:
    """An outage like any other: it is waited for, and nothing is charged."""
    async with Proxy(0) as proxy:
        url = proxy.url()
    async with session(endpoint=endpoint, proxy=url, max_retries=0) as ocr:
        with pytest.raises(TransportError, match=f"refused .proxy: {url}.$") as caught:
            await ocr.scan(URL)
    assert not caught.value.maybe_charged


async def test_a_refusal_of_the_service_is_not_the_proxys(
    session: Sessions, emulator: Emulator
) -> None:
    """A 403 with a code was written by the service, whatever it came through."""
    emulator.refuse("Forbidden.RAM")
    async with (
        Proxy(int(emulator.url.rpartition(":")[2])) as proxy,
        session(endpoint="http://green.test", proxy=proxy.url()) as ocr,
    ):
        with pytest.raises(AuthError, match="RAM user") as caught:
            await ocr.scan(URL)
    assert "proxy" not in str(caught.value)


# --- ~/.netrc -------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["environment", "argument", "trust_env", "trust_env, direct"])
async def test_a_password_of_netrc_does_not_replace_the_signature(
    session: Sessions,
    emulator: Emulator,
    tmp_path: Path,
    environment: pytest.MonkeyPatch,
    by: str,
) -> None:
    """Not even with a `ClientSession` of the caller's own that reads it."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password canary\n")
    netrc.chmod(0o600)
    environment.setenv("NETRC", str(netrc))
    passed: list[str] = []

    async def own(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        passed.append(request.headers["x-acs-version"])
        return await send(request)

    async with (
        Proxy(int(emulator.url.rpartition(":")[2])) as proxy,
        aiohttp.ClientSession(trust_env=True, middlewares=[own]) as http,
    ):
        given: dict[str, Any] = {"endpoint": "http://green.test"}
        if by == "argument":
            given |= {"proxy": proxy.url()}
        else:
            environment.setenv("http_proxy", proxy.url())
        if "trust_env" in by:
            given |= {"http": http}
        if "direct" in by:
            given |= {"endpoint": emulator.url}
            environment.setenv("no_proxy", "*")
        async with session(**given) as ocr:
            assert (await ocr.scan(URL)).text == f"text of {URL}"
    assert len(proxy.heads) == (0 if "direct" in by else 1)
    assert len(passed) == ("trust_env" in by)


# --- certificates ---------------------------------------------------------------------------------


@pytest.fixture
async def secure(emulator: Emulator, authority: Authority) -> AsyncIterator[str]:
    """The emulator at an https:// URL, with a certificate of the tests' authority."""
    port = int(emulator.url.rpartition(":")[2])
    async with Door(port, authority.server("127.0.0.1")) as door:
        yield f"https://127.0.0.1:{door.port}"


@pytest.mark.parametrize("by", ["argument", "SSL_CERT_FILE", "SSL_CERT_DIR", "http"])
async def test_an_own_authority_is_trusted(
    session: Sessions,
    secure: str,
    authority: Authority,
    environment: pytest.MonkeyPatch,
    by: str,
) -> None:
    """However it is named; the variables are read when the session is made."""
    given: dict[str, Any] = {}
    if by in ("argument", "http"):
        given = {"tls": authority.client()}
    elif by == "SSL_CERT_FILE":
        environment.setenv(by, str(authority.file))
    else:
        hashed = authority.file.with_name(f"{_hash(authority)}.0")  # as OpenSSL looks for it
        hashed.write_bytes(authority.file.read_bytes())
        environment.setenv(by, f"/nowhere:{hashed.parent}")
    async with aiohttp.ClientSession() as http:
        given |= {"http": http} if by == "http" else {}
        async with session(endpoint=secure, **given) as ocr:
            assert (await ocr.scan(URL)).text == f"text of {URL}"


def _hash(authority: Authority) -> str:
    """The name under which OpenSSL looks for a certificate in a folder."""
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(authority.file)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def test_an_unknown_authority_is_refused_with_what_to_do(
    session: Sessions, secure: str
) -> None:
    """Once, without a charge; the variable and the argument are named."""
    async with session(endpoint=secure) as ocr:
        with pytest.raises(TransportError, match=r"name its file in SSL_CERT_FILE.*tls=") as caught:
            await ocr.scan(URL)
        assert ocr.stats.requests == 1
    assert not caught.value.maybe_charged
    assert "\n" not in str(caught.value)


async def test_a_certificate_of_another_host_needs_no_authority(
    session: Sessions, emulator: Emulator, authority: Authority
) -> None:
    """To trust its issuer would not help, so nothing says so."""
    port = int(emulator.url.rpartition(":")[2])
    async with Door(port, authority.server("green.test")) as door:
        endpoint = f"https://127.0.0.1:{door.port}"
        async with session(endpoint=endpoint, tls=authority.client()) as ocr:
            with pytest.raises(TransportError, match="IP address mismatch") as caught:
                await ocr.scan(URL)
    assert "SSL_CERT_FILE" not in str(caught.value)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A file without a certificate."""
    file = tmp_path / "empty.pem"
    file.write_text("nothing\n")
    return file


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "not '/nowhere/ca.pem': No such file"),
        ("SSL_CERT_FILE", "empty.pem", "not '.*empty.pem': no PEM"),
        ("SSL_CERT_DIR", "/nowhere", "not '/nowhere'"),
    ],
)
def test_a_variable_that_names_no_certificates_is_refused(
    empty: Path, environment: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    """OpenSSL would ignore it, and every connection fail; without TLS nobody needs it."""
    environment.chdir(empty.parent)
    environment.setenv(variable, value)
    with pytest.raises(ValueError, match=rf"^{variable} must be .*{says}"):
        route_to("https://green.test")
    route_to("http://green.test")
    route_to("https://green.test", tls=ssl.create_default_context())
