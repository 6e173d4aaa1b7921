"""The accounts of one emulator, and the TOML file that can describe these accounts.

    [[accounts]]
    uid = "1234567890123456"      # 16 digits; a random number if absent
    state = "active"              # or "not_opened", "unauthorized", "overdue", "banned"
    requests_per_second = 10      # 0: no limit
    window = "sliding"            # or "fixed", "bucket"
    separate_limits = true        # false: the requests of all operations count together
    images_per_second = 10        # 0 or absent: no limit
    images_in_flight = 50         # 0 or absent: no limit

    [[accounts.keys]]
    access_key_id = "LTAI…"
    access_key_secret = "…"
    security_token = "…"          # only for a temporary key
    active = true
    expired = false               # only for a temporary key

Each account needs at least one key; each key needs only its id and its secret.
"""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from os import PathLike
from pathlib import Path
from typing import Annotated, get_args, overload

import msgspec

from aliocr.credentials import Credentials
from aliocr.emulator.access.account import AccessKey, Account, AccountState
from aliocr.emulator.access.rate_window import WINDOWS, WindowKind
from aliocr.limits import REQUESTS_PER_SECOND


class Accounts(Sequence[Account]):
    """The accounts of one emulator, in the given order. Each uid and each key occurs only once.

    Raises:
        ValueError: There is no account, or two accounts have the same uid, or two keys have the
            same id.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts = tuple(accounts)
        self._keys: dict[str, tuple[Account, AccessKey]] = {}
        if not self._accounts:
            raise ValueError("there is no account; give at least one account")
        uids: set[str] = set()
        for account in self._accounts:
            if account.uid in uids:
                raise ValueError(
                    f"two accounts have the uid {account.uid}; give each account a different uid"
                )
            uids.add(account.uid)
            for key in account.keys:
                key_id = key.credentials.access_key_id
                if key_id in self._keys:
                    raise ValueError(f"two keys have the id {key_id}; give each key a different id")
                self._keys[key_id] = (account, key)

    def find(self, access_key_id: str) -> tuple[Account, AccessKey] | None:
        """Return the account and the key with this id; None if there is no such key."""
        return self._keys.get(access_key_id)

    @overload
    def __getitem__(self, index: int) -> Account: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Account, ...]: ...
    def __getitem__(self, index: int | slice) -> Account | tuple[Account, ...]:
        return self._accounts[index]

    def __len__(self) -> int:
        return len(self._accounts)


def make_accounts(
    accounts: Iterable[Account] | None,
    credentials: Credentials | None,
    requests_per_second: float | None,
    *,
    images_per_second: float | None,
    images_in_flight: int | None,
    window: WindowKind,
    separate_limits: bool,
) -> Accounts:
    """Return the given accounts, or one account made from the other arguments.

    The other arguments have the same meaning as in `Account`.

    Raises:
        ValueError: `accounts` is given together with another argument, or an argument is invalid.
    """
    if accounts is None:
        # The random AccessKey has the form of a real key, but only this emulator accepts it.
        made_up = Credentials(f"LTAI5t{secrets.token_hex(9)}", secrets.token_hex(15))
        account = Account(
            credentials or made_up,
            requests_per_second,
            images_per_second=images_per_second,
            images_in_flight=images_in_flight,
            window=window,
            separate_limits=separate_limits,
        )
        return Accounts([account])
    limits = (requests_per_second, images_per_second, images_in_flight, window, separate_limits)
    if (credentials, *limits) != (None, REQUESTS_PER_SECOND, None, None, "sliding", True):
        raise ValueError(
            "leave out credentials= and the limits if accounts= is given, because each account "
            "has its own credentials and limits"
        )
    return Accounts(accounts)


_Rate = Annotated[float, msgspec.Meta(ge=0)]


class _KeyTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    access_key_id: str
    access_key_secret: str
    security_token: str | None = None
    active: bool = True
    expired: bool = False


class _AccountTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    keys: Annotated[tuple[_KeyTable, ...], msgspec.Meta(min_length=1)]
    uid: str | None = None
    state: AccountState = "active"
    requests_per_second: _Rate = REQUESTS_PER_SECOND
    images_per_second: _Rate = 0
    images_in_flight: Annotated[int, msgspec.Meta(ge=0)] = 0
    window: WindowKind = "sliding"
    separate_limits: bool = True


class _AccountsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    accounts: Annotated[tuple[_AccountTable, ...], msgspec.Meta(min_length=1)]


_FORM = (
    f"an account has {', '.join(_AccountTable.__struct_fields__)} (state is one of "
    f"{', '.join(get_args(AccountState))}; window is one of {', '.join(WINDOWS)}), "
    f"and a key has {', '.join(_KeyTable.__struct_fields__)}"
)


def read_accounts(path: str | PathLike[str]) -> tuple[Account, ...]:
    """Return the accounts of a TOML file, in the order of the file.

    The docstring of this module shows the form of the file.

    Raises:
        ValueError: The file cannot be read or has another form. The message says where the error
            is, but contains no secret.
    """
    with _errors_at(f"{path}"):
        try:
            content = Path(path).read_text(encoding="utf-8")
            tables = msgspec.convert(tomllib.loads(content), _AccountsFile).accounts
        except OSError as error:
            raise ValueError(f"{error.strerror or error}; name a file of accounts") from None
        except UnicodeDecodeError:
            raise ValueError("is not UTF-8; save it as TOML in UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"is not TOML: {error}; correct it in the file") from None
        except msgspec.ValidationError as error:
            raise ValueError(f"{error}; {_FORM}") from None
        except RecursionError:
            words = "is nested too deeply; use only the tables accounts and keys"
            raise ValueError(words) from None
        return tuple(Accounts(map(_account, count(), tables)))


def _account(number: int, table: _AccountTable) -> Account:
    with _errors_at(f"accounts[{number}]"):
        keys = []
        for place, key in enumerate(table.keys):
            with _errors_at(f"keys[{place}]"):
                credentials = Credentials(
                    key.access_key_id, key.access_key_secret, key.security_token or None
                )
                keys.append(AccessKey(credentials, active=key.active, expired=key.expired))
        return Account(
            keys,
            table.requests_per_second or None,
            uid=table.uid,
            state=table.state,
            images_per_second=table.images_per_second or None,
            images_in_flight=table.images_in_flight or None,
            window=table.window,
            separate_limits=table.separate_limits,
        )


@contextmanager
def _errors_at(place: str) -> Iterator[None]:
    """Put the place in front of the message of a `ValueError` that the block raises."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
