"""Several accounts at once, each with its keys, state and limits; and their file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from aliocr.credentials import Credentials
from aliocr.emulator import AccessKey, Account, Accounts, Emulator, read_accounts
from tests.support.asking import IMAGE, ask, body_of, send, sign
from tests.support.signed import signed, verdict
from tests.support.vectors import KEY, TEMPORARY_KEY

OTHER = Credentials("otherId", "otherSecret")


def as_account(emulator: Emulator, number: int, key: int = 0) -> Emulator:
    """An emulator that is not started, with this key as its first: used to sign."""
    return Emulator(credentials=emulator.accounts[number].keys[key].credentials)


# --- accounts -------------------------------------------------------------------------------------


async def test_two_accounts_are_throttled_each_by_its_own_rate() -> None:
    """Two accounts share neither their rates nor their nonces."""
    accounts = [Account(KEY, 1), Account(OTHER, 2)]
    async with Emulator(accounts=accounts) as emulator:
        codes = []
        for number in (0, 0, 1, 1, 1):
            body = body_of(IMAGE)
            headers = sign(as_account(emulator, number), body)
            codes.append((await send(emulator, body, headers)).status)
        assert codes == [200, 400, 200, 200, 400]
        assert emulator.credentials == KEY
        assert list(emulator.accounts) == accounts


async def test_two_accounts_have_each_its_own_image_quota() -> None:
    """588 for the account over its quota, answers for the other."""
    accounts = [Account(KEY, images_per_second=1), Account(OTHER)]
    async with Emulator(accounts=accounts) as emulator:
        body = body_of(*(f"{IMAGE}?{number}" for number in range(3)))
        for number, codes in ((0, [200, 588, 588]), (1, [200, 200, 200])):
            heard = await send(emulator, body, sign(as_account(emulator, number), body))
            assert heard.codes == codes


def test_what_was_used_of_a_quota_stays_used() -> None:
    """Neither setting the same quota again nor a reset gives images of this second back."""
    account = Account(KEY, images_per_second=10)
    assert account.take_images(7, 0) == 7
    account.allow_images(10, 100)
    account.restore()
    assert account.take_images(7, 0.5) == 3
    account.allow_images(5)
    assert account.take_images(7, 0.6) == 5
    account.restore()
    assert account.take_images(7, 0.7) == 0
    assert account.take_images(7, 1.0) == 7


async def test_the_keys_of_one_account_share_its_rate() -> None:
    """The limit belongs to the account."""
    account = Account([AccessKey(KEY), AccessKey(OTHER)], 1)
    async with Emulator(accounts=[account]) as emulator:
        body = body_of(IMAGE)
        codes = [
            (await send(emulator, body, sign(as_account(emulator, 0, key), body))).status
            for key in (0, 1)
        ]
    assert codes == [200, 400]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("not_opened", "You have not opened Yundun Content Moderation Service"),
        ("unauthorized", "Your using subaccount is not authorized, please refer to the page"),
        ("overdue", "overdue"),
        ("banned", "banned"),
    ],
)
async def test_an_account_that_may_not_use_the_service_is_told_why(state: Any, words: str) -> None:
    """Code 596 in HTTP 200, after the body was found good and before any image is counted."""
    account = Account(KEY, images_in_flight=1, state=state)
    async with Emulator(accounts=[account]) as emulator:
        heard = await ask(emulator, IMAGE)
        assert (heard.status, heard.json["code"]) == (200, 596)
        assert words in heard.json["msg"]
        assert "data" not in heard.json
        assert not emulator.calls[0].answers
        bad = await send(emulator, b"{", sign(emulator, b"{"))
        assert (bad.status, bad.json["code"]) == (200, 400)
        account.state = "active"
        assert (await ask(emulator, IMAGE)).codes == [200]


async def test_a_state_costs_a_request() -> None:
    """The gateway counts the request before the service looks at the state."""
    async with Emulator(accounts=[Account(KEY, 1, state="overdue")]) as emulator:
        assert (await ask(emulator)).json["code"] == 596
        assert (await ask(emulator)).json["Code"] == "Throttling.User"


def test_an_account_has_a_number() -> None:
    """16 digits, given or made up."""
    assert Account(KEY, uid="1234567890123456").uid == "1234567890123456"
    made = {Account(KEY).uid for _ in range(20)}
    assert len(made) == 20
    assert all(re.fullmatch("[1-9][0-9]{15}", uid) for uid in made)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"keys": ()}, "at least one AccessKey"),
        ({"uid": "123"}, "uid must be 16 digits"),
        ({"uid": "12345678901234567"}, "uid must be 16 digits"),
        ({"uid": "١" * 16}, "uid must be 16 digits"),
        ({"state": "closed"}, "state must be one of active, not_opened"),
        ({"requests_per_second": 0}, "requests_per_second must be above 0"),
        ({"images_per_second": -1}, "images_per_second must be above 0"),
        ({"images_in_flight": 0}, "images_in_flight must be 1 or more"),
        ({"window": "open"}, "window must be one of"),
    ],
)
def test_an_account_that_cannot_be_is_refused(arguments: dict[str, Any], words: str) -> None:
    """A wrong argument is refused at the call that has it."""
    with pytest.raises(ValueError, match=words):
        Account(**({"keys": KEY} | arguments))


def test_a_permanent_key_does_not_expire() -> None:
    """`expired` would have no effect on it, so it is refused at any time."""
    with pytest.raises(ValueError, match="testAccessKeyId is not a temporary key"):
        AccessKey(KEY, expired=True)
    key = AccessKey(KEY)
    with pytest.raises(ValueError, match="leave out expired"):
        key.expired = True
    assert not key.expired
    assert AccessKey(TEMPORARY_KEY, expired=True).expired


def test_a_key_belongs_to_one_account() -> None:
    """The id identifies the account, so no two keys may share one; the message names the id."""
    with pytest.raises(ValueError, match="two keys have the id testAccessKeyId"):
        Accounts([Account(KEY), Account(Credentials("testAccessKeyId", "another"))])
    with pytest.raises(ValueError, match="two accounts have the uid 1234567890123456"):
        Accounts(Account(key, uid="1234567890123456") for key in (KEY, OTHER))
    with pytest.raises(ValueError, match="at least one account"):
        Emulator(accounts=[])


def test_a_key_is_found_with_its_account() -> None:
    """The id finds the key and its account."""
    accounts = Accounts([Account(KEY), Account([AccessKey(OTHER), AccessKey(TEMPORARY_KEY)])])
    assert accounts.find("STS.testAccessKeyId") == (accounts[1], accounts[1].keys[1])
    assert accounts.find("nobody's") is None
    assert (len(accounts), len(accounts[:1])) == (2, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"credentials": KEY},
        {"requests_per_second": None},
        {"images_per_second": 1},
        {"images_in_flight": 1},
        {"window": "fixed"},
        {"separate_limits": False},
    ],
)
def test_the_one_account_and_several_exclude_each_other(arguments: dict[str, Any]) -> None:
    """It would be unclear which account the limit is for."""
    with pytest.raises(ValueError, match="leave out credentials= and the limits"):
        Emulator(accounts=[Account(OTHER)], **arguments)


# --- their file -----------------------------------------------------------------------------------

WHOLE = """
[[accounts]]
uid = "1234567890123456"
state = "overdue"
requests_per_second = 0.5
window = "fixed"
separate_limits = false
images_per_second = 10
images_in_flight = 50
[[accounts.keys]]
access_key_id = "testAccessKeyId"
access_key_secret = "testAccessKeySecret"
active = true
[[accounts.keys]]
access_key_id = "STS.testAccessKeyId"
access_key_secret = "testAccessKeySecret"
security_token = "testSecurityToken"
active = false
expired = true

[[accounts]]
requests_per_second = 0
keys = [{ access_key_id = "otherId", access_key_secret = "otherSecret" }]
"""


def write(folder: Path, text: str | bytes) -> Path:
    """A file of accounts."""
    path = folder / "accounts.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_file_of_accounts_is_read(tmp_path: Path) -> None:
    """Every field, and the default of every absent field."""
    first, second = read_accounts(write(tmp_path, WHOLE))
    assert (first.uid, first.state) == ("1234567890123456", "overdue")
    assert first.keys == (AccessKey(KEY), AccessKey(TEMPORARY_KEY, active=False, expired=True))
    assert [first.accept(moment) for moment in (0, 1.9, 2)] == [True, False, True]
    assert not first.described()["separate_limits"]
    assert first.take_images(60, 0) == 10
    assert second.state == "active"
    assert second.keys == (AccessKey(OTHER),)
    assert all(second.accept(0) for _ in range(1000))
    assert second.take_images(10**6, 0) == 10**6
    assert verdict(signed(OTHER), second) is None


KEYS = '[[accounts.keys]]\naccess_key_id = "i"\naccess_key_secret = "S3CRET"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "accounts"),
        ("accounts = []", "length >= 1"),
        ("[[accounts]]", "keys"),
        ("[[accounts]]\nkeys = []", r"length >= 1 - at `\$.accounts\[0\].keys`"),
        ("[[accounts]]\nname = 'S3CRET'\n" + KEYS, "unknown field `name`"),
        ("[[accounts]]\n" + KEYS + "secret = 'S3CRET'", "unknown field `secret`"),
        ("[[accounts]]\n[[accounts.keys]]\naccess_key_secret = 'S3CRET'", "`access_key_id`"),
        ("[[accounts]]\n" + KEYS + "security_token = 1", "Expected `str"),
        ("[[accounts]]\nstate = 'closed'\n" + KEYS, "'closed'.*state is one of active, not_opened"),
        (
            "[[accounts]]\nwindow = 'open'\n" + KEYS,
            "'open'.*window is one of sliding, fixed, bucket",
        ),
        ("[[accounts]]\nrequests_per_second = -1\n" + KEYS, "`float` >= 0"),
        ("[[accounts]]\nrequests_per_second = nan\n" + KEYS, "`float` >= 0"),
        ("[[accounts]]\nrequests_per_second = inf\n" + KEYS, r"accounts\[0\]: requests_per_second"),
        ("[[accounts]]\nimages_in_flight = 1.5\n" + KEYS, "Expected `int`"),
        ("[[accounts]]\nuid = '12'\n" + KEYS, r"accounts\[0\]: uid must be 16 digits"),
        (
            "[[accounts]]\n" + KEYS + KEYS.replace("S3CRET", "S3CRET with space"),
            r"accounts\[0\]: keys\[1\]: access_key_secret holds a space.*copy it again",
        ),
        (
            "[[accounts]]\n" + KEYS + "expired = true",
            r"accounts\[0\]: keys\[0\]: i is not a temporary key.*give the key a security_token",
        ),
        ("[[accounts]]\n" + KEYS + KEYS, "two keys have the id i; give each key a different id"),
        ("[[accounts]]\n" + KEYS + "access_key_secret = 'S3CRET'", "is not TOML: .*correct it"),
        ("S3CRET", "is not TOML.*correct it"),
        (b"S3CRET \xff", "is not UTF-8; save it"),
        ("a = " + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_place_and_without_a_secret(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    """The message names the file and the error, and holds no secret."""
    with pytest.raises(ValueError, match=words) as caught:
        read_accounts(write(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path / 'accounts.toml'}: ")
    assert "S3CRET" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(ValueError, match=r"accounts\.toml: No such file or directory"):
        read_accounts(tmp_path / "accounts.toml")
    with pytest.raises(ValueError, match="Is a directory"):
        read_accounts(tmp_path)
