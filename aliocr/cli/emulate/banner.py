"""The address and AccessKey of a running emulator, as lines that a shell can run."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shlex

from aliocr.arguments import ENDPOINT_VARIABLE
from aliocr.credentials import ID_VARIABLE, SECRET_VARIABLE, TOKEN_VARIABLE, Credentials
from aliocr.emulator import Account, Emulator
from aliocr.emulator.http.same_origin import OWN

EVERYWHERE = {"//0.0.0.0:": "//127.0.0.1:", "//[::]:": "//[::1]:"}
"""Addresses that mean all network interfaces of this machine.

Each of these addresses has the address that a client on this machine can connect to.
"""

MOST_NAMED = 10
"""Maximum number of accounts to list; further accounts are counted."""


def banner(emulator: Emulator, known: str | None, *, accounts: bool) -> list[str]:
    """Return the lines to print when the emulator runs.

    A generated secret is printed, because the user cannot know it. A given secret is not printed,
    because the user knows it. It may also be a real secret, and printed lines may be saved in a
    file. The printed key is the first key that may use the service.

    Args:
        emulator: The running emulator.
        known: Text that says where the user finds the secret; None if the secret was generated.
        accounts: List the accounts.
    """
    url = emulator.url
    for everywhere, here in EVERYWHERE.items():
        url = url.replace(everywhere, here)
    lines = [
        "# an emulator of the service, until Ctrl-C",
        f"#   page     {url}/",
        f"#   control  {url}{OWN}",
    ]
    if accounts:
        lines += map(_account, emulator.accounts[:MOST_NAMED])
        if len(emulator.accounts) > MOST_NAMED:
            lines.append(f"#   and {len(emulator.accounts) - MOST_NAMED} more accounts")
    lines.append(f"export {ENDPOINT_VARIABLE}={shlex.quote(url)}")
    usable = (
        key.credentials
        for account in emulator.accounts
        if account.state == "active"
        for key in account.keys
        if key.active and not key.expired
    )
    key = next(usable, None)
    if key is None:
        key = emulator.credentials
        lines.append("# no key may use the service: all requests with this key are refused")
    return lines + _exports(key, known)


def _account(account: Account) -> str:
    """Return a line about an account: its number, its keys, and what prevents their use."""
    keys = []
    for key in account.keys:
        why = " (expired)" if key.expired else ""
        keys.append(key.credentials.access_key_id + (why if key.active else " (inactive)"))
    state = "" if account.state == "active" else f", {account.state}"
    return f"#   account  {account.uid}: {', '.join(keys)}{state}"


def _exports(key: Credentials, known: str | None) -> list[str]:
    lines = [f"export {ID_VARIABLE}={shlex.quote(key.access_key_id)}"]
    if known is None:
        lines.append(f"export {SECRET_VARIABLE}={shlex.quote(key.access_key_secret)}")
    else:
        lines.append(f"# {SECRET_VARIABLE}: as {known}")
    if key.security_token is not None:
        lines.append(f"# {TOKEN_VARIABLE}: as {known}")
    elif os.environ.get(TOKEN_VARIABLE):
        # Without this line, clients would send this key with the token of another key.
        lines.append(f"unset {TOKEN_VARIABLE}")
    return lines


async def is_open(host: str) -> bool:
    """Return whether other machines can reach a server at this address."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None)
    return not all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)
