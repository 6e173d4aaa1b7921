"""Fetching pictures once more: files and URLs, within bounds, and why there are none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

import aliocr
from aliocr.job.input.opening import opened
from aliocr.report import fetching
from aliocr.report.fetching import MissingError
from aliocr.report.originals import FromInput, FromSources
from tests.support.proxy import VARIABLES, Proxy
from tests.support.rows_read import said

PICTURE = b"not a picture"


async def answer(request: web.Request) -> web.StreamResponse:
    """Pictures, and other things."""
    match request.path:
        case "/picture":
            return web.Response(body=PICTURE)
        case "/asked":
            return web.Response(text=request.raw_path)
        case "/agent":
            return web.Response(text=request.headers["User-Agent"])
        case "/packed":
            return web.Response(body=PICTURE, headers={"Content-Encoding": "gzip"})
        case "/large":
            return web.Response(body=bytes(20 * 1024 * 1024 + 1))
        case path if path in MOVED:
            return web.Response(status=302, headers={"Location": MOVED[path]})
        case "/home":  # to this machine itself
            assert request.transport is not None
            port = request.transport.get_extra_info("sockname")[1]
            raise web.HTTPFound(f"http://127.0.0.1:{port}/picture")
        case "/silent":
            await asyncio.Event().wait()
        case "/broken":
            assert request.transport is not None
            request.transport.close()
        case _:
            pass
    raise web.HTTPNotFound


MOVED = {
    "/moved": "/picture",
    "/loop": "/loop",
    "/away": "file:///etc/hostname",
    "/strange": "http://[::1",
}


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """The base URL of a host with all of that."""
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def picture(source: str, *folders: Path, given: Path | None = None) -> bytes:
    """The picture of a result with this source."""
    async with FromSources(*folders, given=given) as found:
        return await found.picture(said("a", source=source))


async def test_a_url_is_fetched(host: str) -> None:
    """As it stands there, since it may be signed; and by way of a few redirections."""
    assert await picture(f"{host}/picture") == PICTURE
    assert await picture(f"{host}/moved") == PICTURE
    asked = "/asked?e=%2F+%e6&sign=a%3D%3D"
    assert await picture(f"{host}{asked}") == asked.encode()
    assert await picture(f"{host}/asked?名=1") == b"/asked?%E5%90%8D=1"
    assert await picture(f"{host}/asked?a b=1") in (b"/asked?a+b=1", b"/asked?a%20b=1")


async def test_a_host_sees_who_asks(host: str) -> None:
    """As in every other request of this package."""
    assert await picture(f"{host}/agent") == f"aliocr/{aliocr.__version__}".encode()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No variable that this machine may have, and a password for every host."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password canary\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    return monkeypatch


async def test_the_proxy_of_this_machine_is_used(
    host: str, environment: pytest.MonkeyPatch
) -> None:
    """For each host on the way by itself; no host is sent a password of this machine."""
    async with Proxy(int(host.rpartition(":")[2]), login="me:p") as proxy:
        environment.setenv("http_proxy", proxy.url("me:p"))
        environment.setenv("no_proxy", "direct.invalid")
        asked = "http://pictures.invalid/asked?sign=a%3D"
        assert await picture(asked) == asked.encode()
        assert await picture("http://pictures.invalid/moved") == PICTURE
        assert await picture("http://pictures.invalid/home") == PICTURE
        with pytest.raises(MissingError, match="name is not known"):
            await picture("http://direct.invalid/picture")
        assert await picture(f"{host}/picture") == PICTURE
    lines = [head.partition(" HTTP/")[0] for head in proxy.heads]
    assert lines == [f"GET {asked}", *(f"GET http://pictures.invalid/{path}" for path in PATHS)]
    assert not any("\r\nAuthorization:" in head for head in proxy.heads)


PATHS = ["moved", "home"]
"""What comes next on the same connection is not told; and this machine needs no proxy."""


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("url", "why"),
    [
        (None, "^the proxy of this machine refuses the connection to its host$"),
        ("http://me:canary@127.0.0.1:1", "^no connection to the proxy of this machine$"),
        ("socks5://me:canary@p.test", "^ALL_PROXY must be http:// or https://"),
    ],
)
async def test_a_proxy_that_is_in_the_way_says_so(
    environment: pytest.MonkeyPatch, scheme: str, url: str | None, why: str
) -> None:
    """Without its password."""
    async with Proxy(0, login="me:p") as proxy:
        environment.setenv("ALL_PROXY", proxy.url("me:canary") if url is None else url)
        with pytest.raises(MissingError, match=why) as raised:
            await picture(f"{scheme}://pictures.invalid/picture")
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/nothing", "HTTP 404"),
        ("/packed", "compresses"),
        ("/large", "larger than 20 MB"),
        ("/loop", "redirects too often"),
        ("/strange", "its URL, or a URL it redirects to, is not valid"),
        ("/away", "a URL that is not http or https"),
        ("/broken", "its host's answer is broken"),
        ("/picture?…", "without the query"),
    ],
)
async def test_a_url_that_gives_no_picture_says_why(host: str, path: str, why: str) -> None:
    """In words that name neither host nor query."""
    with pytest.raises(MissingError, match=why) as raised:
        await picture(f"{host}{path}")
    assert "127.0.0.1" not in str(raised.value)
    assert raised.value.__context__ is None


async def test_an_input_has_the_queries_that_an_output_has_not(host: str, tmp_path: Path) -> None:
    """Of signed URLs; rows of another input are not taken for them."""
    listed = tmp_path / "urls.txt"
    listed.write_text(f"{host}/asked?key=1\n{host}/picture\n{host}/other?key=3\n")
    results = [
        said("a", 1, source=f"{host}/asked?…"),
        said("b", 2, source=f"{host}/picture"),
        said("c", 3, source=f"{host}/asked?…"),
    ]
    with closing(opened(listed)) as reader:
        async with FromSources() as sources:
            whole = FromInput(sources, reader)
            await whole.look_up(results)
            assert await whole.picture(results[0]) == b"/asked?key=1"
            assert await whole.picture(results[1]) == PICTURE
            with pytest.raises(MissingError, match="does not have this URL in its row"):
                await whole.picture(results[2])


async def test_nobody_is_waited_for_long(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that takes the request and says nothing costs seconds, not the report."""
    monkeypatch.setattr(fetching, "TIMEOUT", 0.02)
    with pytest.raises(MissingError, match="no complete answer within"):
        await picture(f"{host}/silent")


@pytest.mark.parametrize("source", ["http://", "http://[", "http://127.0.0.1:1/a", "http://a b/"])
async def test_a_url_that_leads_nowhere_is_missing(source: str) -> None:
    """An output may say anything."""
    with pytest.raises(MissingError):
        await picture(source)


async def test_a_path_is_read_from_here_or_beside_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever folder the job ran in."""
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "a.png").write_bytes(PICTURE)
    monkeypatch.chdir(tmp_path)
    assert await picture("beside/a.png") == PICTURE
    assert await picture("a.png", beside) == PICTURE
    assert await picture(str(beside / "a.png")) == PICTURE
    with pytest.raises(MissingError, match="give the job's INPUT by --input"):
        await picture("a.png")
    with pytest.raises(MissingError, match="no longer exists"):
        await picture("/nowhere/a.png")


async def test_a_folder_that_was_moved_can_be_given(tmp_path: Path) -> None:
    """The longest end of a path counts, since two folders may have a file of the same name."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.png").write_bytes(b"another picture")
    (tmp_path / "sub" / "a.png").write_bytes(PICTURE)
    for source in ("pictures/sub/a.png", "/moved/pictures/sub/a.png"):
        assert await picture(source, given=tmp_path) == PICTURE
    with pytest.raises(MissingError):
        await picture("pictures/b.png", given=tmp_path)


async def test_a_path_to_anything_but_a_file_is_missing(tmp_path: Path) -> None:
    """A pipe would be waited at for ever."""
    os.mkfifo(tmp_path / "pipe")
    for source in (str(tmp_path / "pipe"), str(tmp_path)):
        with pytest.raises(MissingError, match="not a regular file"):
            await picture(source)
    with pytest.raises(MissingError, match="not a path"):
        await picture("a\0b")
    with (tmp_path / "film").open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    with pytest.raises(MissingError, match="larger than 20 MB"):
        await picture(str(tmp_path / "film"))
