"""All accounts of one emulator, and the file they can be read from.

    [[accounts]]
    uid = "1234567890123456"      # 16 digits; made up if left out
    state = "active"              # or "not_opened", "unauthorized", "overdue", "banned"
    requests_per_second = 10      # 0 for no limit
    window = "sliding"            # or "fixed", "bucket"
    images_per_second = 10        # 0, or left out: no limit
    images_in_flight = 50         # the same

    [[accounts.keys]]
    access_key_id = "LTAI…"
    access_key_secret = "…"
    security_token = "…"          # of a temporary key only
    active = true
    expired = false               # of a temporary key only

Of all this only the key's id and secret are needed.
"""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Annotated, get_args, overload

import msgspec

from aliocr.credentials import Credentials
from aliocr.emulator.access.account import AccessKey, Account, AccountState
from aliocr.emulator.access.rate_window import WINDOWS, WindowKind
from aliocr.limits import REQUESTS_PER_SECOND


class Accounts(Sequence[Account]):
    """The accounts of one emulator, in order: at least one, and no key or uid of two of them.

    Raises:
        ValueError: There is none, or two share a key's id, or a uid.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts = tuple(accounts)
        self._keys: dict[str, tuple[Account, AccessKey]] = {}
        if not self._accounts:
            raise ValueError("there must be at least one account")
        uids: set[str] = set()
        for account in self._accounts:
            if account.uid in uids:
                raise ValueError(f"two accounts have the uid {account.uid}; give each its own")
            uids.add(account.uid)
            for key in account.keys:
                key_id = key.credentials.access_key_id
                if key_id in self._keys:
                    raise ValueError(f"two keys have the id {key_id}; give each its own")
                self._keys[key_id] = (account, key)

    def find(self, access_key_id: str) -> tuple[Account, AccessKey] | None:
        """The key of this id and whose it is; None if nobody's."""
        return self._keys.get(access_key_id)

    @overload
    def __getitem__(self, index: int) -> Account: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Account, ...]: ...
    def __getitem__(self, index: int | slice) -> Account | tuple[Account, ...]:
        return self._accounts[index]

    def __len__(self) -> int:
        return len(self._accounts)


def accounts_of(
    accounts: Iterable[Account] | None,
    credentials: Credentials | None,
    requests_per_second: float | None,
    *,
    images_per_second: float | None,
    images_in_flight: int | None,
    window: WindowKind,
) -> Accounts:
    """The accounts given, or the one that the other arguments make; see `Account` for these.

    Raises:
        ValueError: Both, or what `Account` or `Accounts` refuses.
    """
    if accounts is None:
        account = Account(
            credentials or _fresh_credentials(),
            requests_per_second,
            images_per_second=images_per_second,
            images_in_flight=images_in_flight,
            window=window,
        )
        return Accounts([account])
    one = (credentials, requests_per_second, images_per_second, images_in_flight, window)
    if one != (None, REQUESTS_PER_SECOND, None, None, "sliding"):
        raise ValueError(
            "with accounts= leave out credentials= and the limits: each account has its own"
        )
    return Accounts(accounts)


def _fresh_credentials() -> Credentials:
    """An AccessKey that looks like one and opens nothing else."""
    return Credentials(f"LTAI5t{secrets.token_hex(9)}", secrets.token_hex(15))


_Rate = Annotated[float, msgspec.Meta(ge=0)]


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    access_key_id: str
    access_key_secret: str
    security_token: str | None = None
    active: bool = True
    expired: bool = False


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    keys: Annotated[tuple[_Key, ...], msgspec.Meta(min_length=1)]
    uid: str | None = None
    state: AccountState = "active"
    requests_per_second: _Rate = REQUESTS_PER_SECOND
    images_per_second: _Rate = 0
    images_in_flight: Annotated[int, msgspec.Meta(ge=0)] = 0
    window: WindowKind = "sliding"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    accounts: Annotated[tuple[_Entry, ...], msgspec.Meta(min_length=1)]


_FORM = (
    f"an account has {', '.join(_Entry.__struct_fields__)} (state is one of "
    f"{', '.join(get_args(AccountState))}; window one of {', '.join(WINDOWS)}), "
    f"and a key {', '.join(_Key.__struct_fields__)}"
)


def read_accounts(path: str | PathLike[str]) -> tuple[Account, ...]:
    """The accounts of a TOML file of the form above, in its order.

    Raises:
        ValueError: The file cannot be read, or is of another form; the message names the place and
            no secret.
    """
    try:
        content = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}; name a file of accounts") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not UTF-8; save it as TOML in UTF-8") from None
    try:
        found = msgspec.convert(tomllib.loads(content), _File)
        accounts = tuple(_account(entry, number) for number, entry in enumerate(found.accounts))
        return tuple(Accounts(accounts))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: is not TOML: {error}; correct it there") from None
    except msgspec.ValidationError as error:
        raise ValueError(f"{path}: {error}; {_FORM}") from None
    except RecursionError:
        raise ValueError(f"{path}: is nested too deeply; accounts and their keys are") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _account(entry: _Entry, number: int) -> Account:
    place = f"accounts[{number}]"
    try:
        keys = [_key(key, f"keys[{count}]") for count, key in enumerate(entry.keys)]
        return Account(
            keys,
            entry.requests_per_second or None,
            uid=entry.uid,
            state=entry.state,
            images_per_second=entry.images_per_second or None,
            images_in_flight=entry.images_in_flight or None,
            window=entry.window,
        )
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _key(key: _Key, place: str) -> AccessKey:
    try:
        credentials = Credentials(
            key.access_key_id, key.access_key_secret, key.security_token or None
        )
        return AccessKey(credentials, active=key.active, expired=key.expired)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
