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
        case "/moved" | "/loop" | "/away":
            raise web.HTTPFound(MOVED[request.path])
        case "/silent":
            await asyncio.Event().wait()
        case "/broken":
            assert request.transport is not None
            request.transport.close()
        case _:
            pass
    raise web.HTTPNotFound


MOVED = {"/moved": "/picture", "/loop": "/loop", "/away": "file:///etc/hostname"}


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


async def picture(source: str, *folders: Path) -> bytes:
    """The picture of a result with this source."""
    async with FromSources(*folders) as found:
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


async def test_the_proxy_of_this_machine_is_used(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If there is no other way out."""
    monkeypatch.setenv("http_proxy", host)
    monkeypatch.setenv("no_proxy", "")
    asked = "http://pictures.invalid/asked?sign=a%3D"
    assert await picture(asked) == asked.encode()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/nothing", "HTTP 404"),
        ("/packed", "compresses"),
        ("/large", "larger than 20 MB"),
        ("/loop", "redirects too often"),
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
    with pytest.raises(MissingError, match="no longer exists"):
        await picture("a.png")


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
