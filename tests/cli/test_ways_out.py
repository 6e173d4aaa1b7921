"""`aliocr scan` and `aliocr run` behind a proxy, and with certificates of one's own."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aliocr.emulator import Emulator
from tests.support.certificates import Authority
from tests.support.program import call, run
from tests.support.proxy import VARIABLES, Door, Proxy

pytest.importorskip("click")
pytest.importorskip("rich")

URL = "https://example.com/a.png"
KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}
LOGIN = "me:canary-of-the-proxy"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that nobody else trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["http", "https"])
async def beyond(
    request: pytest.FixtureRequest,
    emulator: Emulator,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[dict[str, str], int]]:
    """The environment for an endpoint that no name server knows, and the port where it is."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    port = int(emulator.url.rpartition(":")[2])
    key = emulator.credentials
    async with Door(port, authority.server("green.test")) as door:
        yield (
            {
                "ALIOCR_ENDPOINT": f"{request.param}://green.test",
                "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
                "SSL_CERT_FILE": str(authority.file),
            },
            port if request.param == "http" else door.port,
        )


async def _scan(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(run, "scan", URL, *options, **environment)


@pytest.mark.parametrize("by", ["--proxy", "variable"])
async def test_a_proxy_is_the_way_out(beyond: tuple[dict[str, str], int], by: str) -> None:
    """By option or variable, to both kinds of endpoint."""
    environment, port = beyond
    async with Proxy(port, login=LOGIN) as proxy:
        url = proxy.url(LOGIN)
        if by == "--proxy":
            done = await _scan(by, url, **environment)
        else:
            done = await _scan(**environment, HTTP_PROXY=url, HTTPS_PROXY=url)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"text of {URL}\n", "")
    assert len(proxy.heads) == 1


@pytest.mark.parametrize(("options", "status"), [({"login": LOGIN}, 407), ({"status": 403}, 403)])
async def test_a_refusal_is_one_line_that_names_the_proxy(
    beyond: tuple[dict[str, str], int], options: dict[str, Any], status: int
) -> None:
    """After one try, without the login and without a word of a charge."""
    environment, port = beyond
    async with Proxy(port, **options) as proxy:
        named = proxy.url()
        done = await _scan("--proxy", proxy.url("me:canary-too"), **environment)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"HTTP {status} the proxy {named} refuses the connection to the service" in line
    assert "canary" not in line
    assert "charge" not in line
    assert len(proxy.heads) == 1


@pytest.mark.parametrize("options", [["--proxy", "socks5://me:canary@p.test"], []])
def test_a_bad_proxy_is_misuse(options: list[str]) -> None:
    """Nothing is sent; the message has the name of the option or the variable."""
    variable = {"ALIOCR_ENDPOINT": "http://green.test", "HTTP_PROXY": "http://me:canary@p.test/x"}
    refused = call("scan", URL, *options, **KEY, **variable)
    assert refused.returncode == 2
    name = "proxy" if options else "HTTP_PROXY"
    assert f"{name} must be http:// or https://, host and port of a proxy" in refused.stderr
    assert "canary" not in refused.stderr


async def test_a_job_takes_the_same_way(beyond: tuple[dict[str, str], int], tmp_path: Path) -> None:
    """As a process of its own, with a `.netrc` that has an entry for every host."""
    environment, port = beyond
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password canary\n")
    netrc.chmod(0o600)
    urls = tmp_path / "urls.txt"
    urls.write_text(f"{URL}\nhttps://example.com/b.png\n")
    async with Proxy(port, login=LOGIN) as proxy:
        through = {name: proxy.url(LOGIN) for name in ("HTTP_PROXY", "HTTPS_PROXY")}
        done = await asyncio.to_thread(
            run,
            *("run", urls, "-o", tmp_path / "out.jsonl", "--quiet"),
            **environment | through | {"NETRC": str(netrc)},
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.jsonl").read_text().count("text of") >= 2
    assert len(proxy.heads) == 1


def test_a_region_without_ocr_is_misuse() -> None:
    """As every option that cannot work."""
    refused = call("scan", URL, "--vpc", "--region", "us-east-1", **KEY)
    assert refused.returncode == 2
    assert "region 'us-east-1' has no image OCR" in refused.stderr
