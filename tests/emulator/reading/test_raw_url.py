"""The request line has path and query exactly as in the URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from aliocr.emulator.reading.download import Downloader
from aliocr.emulator.reading.raw_url import parse_raw_url

AS_GIVEN = [
    "/%7Ea%2fb%3D",
    "/a?x=%2F%2B+%7E&y=%e4",
    "/%zz",
    "/a/../b/./c",
    "//x//y",
    "/a?",
    "/a;b=c,d:e@f!$&'()*?/?:@",
    "/a?Signature=a%2Bb%3D&Expires=1",
]
ENCODED = {
    "/a b": "/a%20b",
    "/é?ü=ü": "/%C3%A9?%C3%BC=%C3%BC",
    "/a\\b": "/a%5Cb",
    '/"a"': "/%22a%22",
    "/é?x=%2F%7e": "/%C3%A9?x=%2F%7e",
}


class Porter:
    """A host that records requested paths; `/to?…` redirects to the value of `to`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.to = ""
        self.port = 0

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Any picture, or the way to it."""
        line, _, _ = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
        self.asked.append(line.decode("latin-1"))
        head = f"302 Found\r\nLocation: {self.to}\r\n" if self.to else "200 OK\r\n"
        self.to = ""
        writer.write(f"HTTP/1.1 {head}Connection: close\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def porter() -> AsyncIterator[Porter]:
    """A running one."""
    found = Porter()
    server = await asyncio.start_server(found.welcome, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


async def fetch(url: str) -> None:
    """Download it."""
    async with Downloader(timeout=2) as downloader, downloader.fetch(url):
        pass


@pytest.mark.parametrize("target", AS_GIVEN)
async def test_a_host_is_asked_for_what_the_url_says(porter: Porter, target: str) -> None:
    """A signed address arrives as it was signed, from the task and from a redirect."""
    address = f"http://127.0.0.1:{porter.port}"
    expected = f"GET {target.removesuffix('?')} HTTP/1.1"
    await fetch(f"{address}{target}#fragment")
    assert porter.asked == [expected]
    porter.to = f"{address}{target}"
    await fetch(f"{address}/to")
    assert porter.asked[1:] == ["GET /to HTTP/1.1", expected]


@pytest.mark.parametrize("target", ENCODED)
async def test_what_no_url_may_hold_is_encoded(porter: Porter, target: str) -> None:
    """A blank would end the address in the request line."""
    await fetch(f"http://127.0.0.1:{porter.port}{target}")
    assert porter.asked == [f"GET {ENCODED[target]} HTTP/1.1"]


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://example.com?q=1", "HTTP://A.EXAMPLE/"]
)
def test_a_url_without_a_path_asks_for_the_root(url: str) -> None:
    """A request line needs a path."""
    assert parse_raw_url(url).raw_path == "/"
    assert parse_raw_url(url).raw_host in ("example.com", "a.example")


def test_a_name_of_other_letters_is_asked_for_as_it_is_registered() -> None:
    """And a user and a password stay with their host."""
    assert parse_raw_url("http://münchen.example/a").raw_host == "xn--mnchen-3ya.example"
    there = parse_raw_url("http://u:p%40w@example.com:8080/%7E")
    assert (there.user, there.password, there.port) == ("u", "p@w", 8080)
    assert there.raw_path == "/%7E"


DIGITS = "0123456789¹²³"
"""A host of these alone is an IPv4 address, and is written as four numbers."""


@given(
    st.text(st.characters(max_codepoint=0x17F, exclude_characters=DIGITS), max_size=20),
    st.sampled_from(["http://{}", "http://a.example/{}", "http://{}/a", "http://a@{}:80/?b#c"]),
)
def test_nothing_is_written_that_would_begin_another_line_or_lead_elsewhere(
    text: str, form: str
) -> None:
    """For any URL the host stays the same, and the rest is one word of ASCII."""
    url = form.format(text)
    try:
        read = URL(url)
    except ValueError:
        return  # it is fetched from nowhere
    target = parse_raw_url(url)
    assert (target.scheme, target.raw_authority) == (read.scheme, read.raw_authority)
    if read.raw_host:
        assert target.raw_path_qs.isascii()
        assert target.raw_path_qs.isprintable()
        assert " " not in target.raw_path_qs
