"""The vendor's chain, with servers of the tests' own, and an account whose token expires."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import aliocr
from aliocr import Credentials, Limits, Session
from aliocr.emulator import Emulator
from aliocr.emulator.access.account import AccessKey, Account
from aliocr.keys import vendor
from aliocr.keys.chain import METADATA_TIMEOUT, chain
from aliocr.keys.vendor import NoCredentialsError
from tests.support.key_servers import KeyServers, key_servers

pytest.importorskip("alibabacloud_credentials")
# The package calls datetime.utcnow.
pytestmark = pytest.mark.filterwarnings("ignore:.*utcnow:DeprecationWarning")

KEYS = [Credentials(f"STS.key{n}", f"secret-{n}", f"token-{n}") for n in range(3)]
LIMITS = Limits(requests_per_second=100)

PROFILES = {
    "current": "first",
    "profiles": [
        {"name": "first", "mode": "AK", "access_key_id": "id-1", "access_key_secret": "s1"},
        {
            "name": "second",
            "mode": "StsToken",
            "access_key_id": "id-2",
            "access_key_secret": "s2",
            "sts_token": "token-2",
        },
        {
            "name": "role",
            "mode": "RamRoleArn",
            "access_key_id": "id-1",
            "access_key_secret": "s1",
            "ram_role_arn": "acs:ram::1:role/ocr",
            "ram_session_name": "ocr",
        },
        {"name": "machine", "mode": "EcsRamRole", "ram_role_name": "ocr-role"},
    ],
}
INI = "[third]\ntype = access_key\naccess_key_id = id-3\naccess_key_secret = s3\n"


@pytest.fixture
def servers(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyServers]:
    """The vendor's servers, for a machine without credentials of its own."""
    with key_servers(KEYS, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
async def account() -> AsyncIterator[Emulator]:
    """An account that knows the keys of the servers, and is in no hurry."""
    account = Account([AccessKey(key) for key in KEYS], 100)
    async with Emulator(accounts=[account]) as emulator:
        yield emulator


def _oidc(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / "oidc"
    file.write_text("the-oidc-token")
    monkeypatch.setenv("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/ocr")
    monkeypatch.setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/k8s")
    monkeypatch.setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", str(file))


def _profiles(home: Path, current: str = "first") -> None:
    (home / ".aliyun").mkdir()
    (home / ".aliyun" / "config.json").write_text(json.dumps(PROFILES | {"current": current}))
    (home / ".alibabacloud").mkdir()
    (home / ".alibabacloud" / "credentials.ini").write_text(INI)


def _set_up(kind: str, home: Path, servers: KeyServers, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "AssumeRoleWithOIDC":
        _oidc(home, monkeypatch)
    elif kind == "AssumeRole":
        _profiles(home, "role")
    elif kind == "uri":
        monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_URI", servers.uri)


KINDS = ["ocr-role", "AssumeRoleWithOIDC", "AssumeRole", "uri"]
"""What the servers call a key from each kind of source."""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_thousand_scans_across_an_expiry_are_one_refresh(
    kind: str,
    home: Path,
    servers: KeyServers,
    account: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The service refuses the token long before the vendor's package expects it."""
    _set_up(kind, home, servers, monkeypatch)
    urls = [f"https://example.com/{n}.png" for n in range(1001)]
    async with Session(credentials="chain", endpoint=account.url, limits=LIMITS) as ocr:
        await ocr.scan(urls.pop())
        account.expire_token(KEYS[0].access_key_id)
        scans = await asyncio.gather(*map(ocr.scan, urls))
    assert len(scans) == 1000
    assert ocr.stats.outcomes == {"Scan": 1001}
    assert servers.asked == [kind, kind]


@pytest.mark.parametrize("trouble", ["hangs", "fails twice"])
async def test_a_renewal_in_trouble_fails_nothing_while_the_old_token_lives(
    trouble: str, servers: KeyServers, account: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scans go on with the old key, until there is a new one."""
    monkeypatch.setattr(vendor, "RECHECK", 0.0)
    monkeypatch.setattr(vendor, "AFTER_FAILURE", 0.0 if trouble == "fails twice" else 10.0)
    servers.life = 600  # the package renews a key of less than 15 minutes with each call
    free, reached = threading.Event(), threading.Event()
    failures = [ConnectionError(), ConnectionError()]

    def bad() -> None:
        if trouble == "hangs":
            reached.set()
            free.wait(30)
        elif failures:
            raise failures.pop()
        reached.set()

    async with Session(credentials="chain", endpoint=account.url, limits=LIMITS) as ocr:
        await ocr.scan("https://example.com/first.png")
        servers.trouble = bad
        for number in range(10_000):
            await ocr.scan(f"https://example.com/{number}.png")
            if number > 5 and reached.is_set():
                break
        assert len(servers.asked) == 2 or trouble != "hangs"
        free.set()
        account.expire_token(KEYS[0].access_key_id)
        await ocr.scan("https://example.com/last.png")
    assert set(ocr.stats.outcomes) == {"Scan"}
    assert reached.is_set()


def _found(profile: str | None = None) -> tuple[str, str | None]:
    chain.cache_clear()
    key = chain(profile).find()
    return key.access_key_id, key.security_token


def test_the_sources_are_asked_in_the_vendors_order(
    home: Path, servers: KeyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each beats those that were there before it; the metadata service is the last."""
    assert _found() == ("STS.key0", "token-0")
    assert servers.asked == ["ocr-role"]
    monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_URI", servers.uri)
    assert _found() == ("STS.key1", "token-1")
    assert servers.asked[1:] == ["uri"]
    _profiles(home, "nowhere")
    monkeypatch.setenv("ALIBABA_CLOUD_PROFILE", "third")
    assert _found() == ("id-3", None)
    monkeypatch.setenv("ALIBABA_CLOUD_PROFILE", "second")
    assert _found() == ("id-2", "token-2")
    _oidc(home, monkeypatch)
    assert _found() == ("STS.key2", "token-2")
    assert servers.asked[2:] == ["AssumeRoleWithOIDC"]
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id-0")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s0")
    assert _found() == ("id-0", None)


def test_a_named_profile_beats_the_environment(
    home: Path, servers: KeyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of either file, and of every kind that needs no person."""
    _profiles(home)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id-0")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s0")
    assert _found("first") == ("id-1", None)
    assert _found("second") == ("id-2", "token-2")
    assert _found("third") == ("id-3", None)
    assert _found("role") == ("STS.key0", "token-0")
    assert _found("machine") == ("STS.key1", "token-1")
    assert servers.asked == ["AssumeRole", "ocr-role"]
    with pytest.raises(NoCredentialsError, match="'fourth'"):
        _found("fourth")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network in which nothing is found."""

    def fails(*args: Any, **options: Any) -> Any:
        raise socket.gaierror(8, "no such host")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    tea = pytest.importorskip("Tea.core")
    monkeypatch.setattr(tea.TeaCore, "_sessions", {})


@pytest.mark.usefixtures("nowhere")
async def test_without_credentials_each_source_has_a_reason(
    home: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """In one line, at once, without a secret in it; another call walks the chain again."""
    caplog.set_level(logging.DEBUG, "credentials")
    async with Session(credentials="chain", endpoint="http://127.0.0.1:1") as ocr:
        with pytest.raises(aliocr.AuthError) as caught:
            await ocr.scan("https://example.com/a.png")
    text = str(caught.value)
    sources = ["environment", "OIDC", "~/.aliyun/config.json", "credentials.ini", "URI"]
    places = [text.index(f"{name}: ") for name in [*sources, "metadata service"]]
    assert places == sorted(places)
    assert "\n" not in text
    assert not caught.value.transient
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("kind", KINDS[1:])
def test_no_reason_quotes_a_secret(
    kind: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Errors of the vendor's package quote addresses with tokens in their queries."""
    caplog.set_level(logging.DEBUG, "credentials")
    unused = KeyServers(KEYS)
    _set_up(kind, home, unused, monkeypatch)
    with pytest.raises(NoCredentialsError) as caught:
        chain().find()
    for secret in ("the-oidc-token", "Signature=", "in-the-query", "s1"):
        assert secret not in f"{caught.value!r} {caplog.text}"
    assert caught.value.__cause__ is None


def test_a_metadata_service_that_hangs_costs_a_second(
    servers: KeyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere than on an ECS instance, something else may listen at its address."""
    assert METADATA_TIMEOUT == 1.0
    monkeypatch.setattr("aliocr.keys.chain.METADATA_TIMEOUT", 0.05)
    free = threading.Event()
    servers.trouble = partial(free.wait, 30)
    with pytest.raises(NoCredentialsError, match=r"metadata service: no answer within 0.05 s"):
        chain().find()
    free.set()


async def test_the_chain_stays_with_the_source_that_answered(
    home: Path, servers: KeyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that comes up later may be another account; so may one of a later failure."""
    provider = chain()
    first = await provider()
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id-0")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s0")
    provider.refused(first)
    assert (await provider()).access_key_id == "STS.key1"
    assert servers.asked == ["ocr-role", "ocr-role"]


def test_the_chain_is_one_for_all(home: Path) -> None:
    """All sessions of the process ask one provider, which stands for one account."""
    assert chain() is chain()
    assert chain("first") is not chain()


async def test_clients_and_providers_of_the_vendor_are_taken_as_they_are(
    servers: KeyServers, account: Emulator
) -> None:
    """A token that is refused ahead of its end is renewed once."""
    from alibabacloud_credentials.client import Client
    from alibabacloud_credentials.models import Config
    from alibabacloud_credentials.provider import URLCredentialsProvider

    for given in (
        Client(Config(type="credentials_uri", credentials_uri=servers.uri)),
        URLCredentialsProvider(uri=servers.uri),
    ):
        servers.keys, servers.asked = KEYS[:2], []
        account.reset()
        async with Session(credentials=given, endpoint=account.url, limits=LIMITS) as ocr:
            await ocr.scan("https://example.com/a.png")
            account.expire_token(KEYS[0].access_key_id)
            await ocr.scan("https://example.com/b.png")
        assert servers.asked == ["uri", "uri"]
