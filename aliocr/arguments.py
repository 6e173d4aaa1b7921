"""What a session may be told, checked before anything is opened."""

from __future__ import annotations

import os
import re
from urllib.parse import SplitResult, urlsplit

from aliocr.checks import is_number
from aliocr.credentials import Credentials, CredentialsProvider
from aliocr.errors import without_query

ENDPOINT_VARIABLE = "ALIOCR_ENDPOINT"
"""Where the service is, unless the code says so: another one for a whole program, or for a test."""

_ADDRESS = "it is http:// or https:// and a host, without a path"

EXPECTED = {
    "biz_type": "it is the name of a policy, or None",
    "limits": "it is a Limits(...)",
    "timeout": "it is seconds above 0, or None for no limit",
    "max_retries": "it is a whole number from 0 up",
    "throttle_timeout": "it is seconds above 0, or None for no limit",
    "max_waiting": "it is a whole number from 1 up, or None for no bound",
    "repeat_budget": "it is a whole number from 0 up, or None for no limit",
    "limiter": "it needs an awaitable acquire()",
    "http": "it is an aiohttp.ClientSession, or None",
    "budget": "it is a whole number of images from 1 up, or None for no limit",
    "input_format": "it is text, csv, jsonl, parquet or folder, or None to go by the name",
    "output_format": "it is jsonl, csv or parquet, or None to go by the name",
    "retry": "it is a Retry(...), or None",
    "stop": "it is an asyncio.Event, or None",
    "credentials": "it is a Credentials(...) or a callable that gives one",
    "endpoint": _ADDRESS,
    ENDPOINT_VARIABLE: _ADDRESS,
    "region": "it is a region id such as cn-shanghai",
}
"""What each argument is, for whoever gave something else."""

MOST_SECONDS = 1e9
"""Whoever means 30 years means no limit."""


def check(holds: object, name: str, value: object) -> None:
    """Refuse an argument unless the condition holds.

    Raises:
        ValueError: It does not; the message says the name, the value, and what is expected.
    """
    if not holds:
        raise ValueError(f"{name} cannot be {value!r}; {EXPECTED[name]}")


def is_positive(value: object) -> bool:
    """A number of seconds that can be waited."""
    return is_number(value) and 0 < value < MOST_SECONDS


def base_url(endpoint: str | None, region: str) -> str:
    """The scheme and host that requests go to.

    Args:
        endpoint: As the code says; None for `ALIOCR_ENDPOINT`, if that is set and not empty.
        region: Whose address it is if neither says.

    Raises:
        ValueError: They cannot be right. The message leaves out what may be secret.
    """
    name = "endpoint"
    if endpoint is None:
        name, endpoint = ENDPOINT_VARIABLE, os.environ.get(ENDPOINT_VARIABLE) or None
    if endpoint is None:
        check(isinstance(region, str) and re.fullmatch(r"[a-z0-9-]+", region), "region", region)
        return f"https://green.{region}.aliyuncs.com"
    check(isinstance(endpoint, str), name, endpoint)
    parts = _split(endpoint)
    check(parts is not None and _is_address(parts), name, without_query(endpoint))
    return f"{parts.scheme}://{parts.netloc}" if parts is not None else ""


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_address(parts: SplitResult) -> bool:
    """A scheme and a host that can be looked up, and nothing else."""
    host = parts.hostname or ""
    try:
        known = ":" in host or bool(host.encode("idna"))
    except UnicodeError:
        known = False
    spaced = any(character.isspace() for character in host)
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    return (
        parts.scheme in ("http", "https") and known and not spaced and not more and parts.port != 0
    )


def checked_credentials(
    credentials: Credentials | CredentialsProvider | None,
) -> Credentials | CredentialsProvider:
    """The credentials as given, or those of the environment.

    Raises:
        ValueError: There are none, or it is something else. The message never holds the value.
    """
    if credentials is None:
        return Credentials.from_environment()
    provider = callable(credentials) and not isinstance(credentials, type)
    check(
        isinstance(credentials, Credentials) or provider,
        "credentials",
        credentials if isinstance(credentials, type) else type(credentials),
    )
    return credentials
