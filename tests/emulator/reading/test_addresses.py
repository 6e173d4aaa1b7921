"""Addresses that images are not downloaded from, and no way around the check."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aliocr.emulator.reading.addresses import is_unsafe
from aliocr.emulator.reading.download import Downloader
from aliocr.errors import APIError

LINK_LOCAL = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b:1::169.254.169.254",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:a9:fe:a9fe::",
    "64:ff9b:1:0:a9:fea9:fe00:0",
]
METADATA = ["100.100.100.200", "::ffff:100.100.100.200", "fd00:ec2::254", "168.63.129.16"]
PRIVATE = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "fc00::1",
    "fd12::1",
    "fec0::1",
    "::ffff:0:127.0.0.1",
    "64:ff9b:1::808:808",
    "5f00::1",
    "3fff::1",
    "ff02::1",
]
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", LINK_LOCAL + METADATA)
def test_link_local_and_metadata_addresses_are_unsafe_always(address: str) -> None:
    """A machine's keys are at such addresses, in any spelling."""
    assert is_unsafe(address, private_addresses=True)
    assert is_unsafe(address, private_addresses=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_safe_only_where_one_wants_them(address: str) -> None:
    """Tests have their hosts on loopback; an emulator open to others must not reach behind it."""
    assert not is_unsafe(address, private_addresses=True)
    assert is_unsafe(address, private_addresses=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_safe(address: str) -> None:
    """Images are at such addresses."""
    assert not is_unsafe(address, private_addresses=False)


@pytest.mark.parametrize("address", ["", "localhost", "1.2.3", "::g"])
def test_what_is_no_address_is_unsafe(address: str) -> None:
    """The emulator does not guess an address."""
    assert is_unsafe(address, private_addresses=True)


class Door:
    """A host on this machine that counts its visitors, and redirects them to `to` if given."""

    def __init__(self) -> None:
        self.visitors = 0
        self.to = ""
        self.port = 0

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """An image of two bytes, or a redirect."""
        self.visitors += 1
        await reader.readuntil(b"\r\n\r\n")
        head = f"302 Found\r\nLocation: {self.to}\r\nContent-Length: 0" if self.to else "200 OK"
        writer.write(
            f"HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{'' if self.to else 'ok'}".encode()
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """A running one."""
    found = Door()
    server = await asyncio.start_server(found.welcome, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


async def fetched(url: str, *, private_addresses: bool = True) -> bytes | int:
    """Fetch a URL; return bytes, or the code of the refusal."""
    async with Downloader(private_addresses=private_addresses, timeout=2) as downloader:
        try:
            async with downloader.fetch(url) as data:
                return data
        except APIError as error:
            return error.code if isinstance(error.code, int) else 0


SPELLINGS = [
    "127.0.0.1",
    "localhost",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "127.1",
    "0177.0.0.1",
    "0.0.0.0",
    "[::ffff:127.0.0.1]",
]


@pytest.mark.parametrize("name", SPELLINGS)
async def test_no_spelling_of_an_address_leads_past_the_check(door: Door, name: str) -> None:
    """The check is for the connection's address, and no connection is tried."""
    url = f"http://{name}:{door.port}/a.png"
    assert await fetched(url) == b"ok"
    assert door.visitors == 1
    assert await fetched(url, private_addresses=False) == 401
    assert door.visitors == 1


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "2852039166", "0xa9fea9fe", "100.100.100.200", "[fe80::1]"]
)
async def test_an_unsafe_address_is_not_allowed(address: str) -> None:
    """The refusal is immediate, although a connection would hang."""
    assert await fetched(f"http://{address}/latest/meta-data/") == 401


@pytest.mark.parametrize("addresses", [["169.254.169.254"], ["169.254.169.254", "fe80::1"]])
async def test_a_name_of_an_unsafe_address_is_not_allowed(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any domain may point to any address."""

    def resolved(_: object, port: int, *__: object, **___: object) -> list[tuple[Any, ...]]:
        kinds = {True: socket.AF_INET6, False: socket.AF_INET}
        ends = {True: (port, 0, 0), False: (port,)}
        return [
            (kinds[six], socket.SOCK_STREAM, 6, "", (each, *ends[six]))
            for each in addresses
            for six in [":" in each]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    assert await fetched("http://pictures.example/a.png") == 401


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "//2852039166/%2e%2e/a",
        "http://[::ffff:100.100.100.200]/",
    ],
)
async def test_a_redirect_to_an_unsafe_address_is_not_allowed(door: Door, target: str) -> None:
    """A safe address cannot lead to an unsafe one."""
    door.to = target
    assert await fetched(f"http://127.0.0.1:{door.port}/a.png") == 401
    assert door.visitors == 1


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://example.com/a.png", "data:image/png;base64,AA", "ws://a.example"],
)
async def test_a_redirect_to_another_scheme_is_not_allowed(door: Door, target: str) -> None:
    """The service downloads over http and https only."""
    door.to = target
    assert await fetched(f"http://127.0.0.1:{door.port}/a.png") == 401


async def test_no_proxy_stands_between(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect by itself and bypass the check."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await fetched(f"http://127.0.0.1:{door.port}/a.png") == b"ok"
