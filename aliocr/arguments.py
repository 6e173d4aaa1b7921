"""Checks of the arguments of a session or job, before anything is opened."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from urllib.parse import urlsplit

from aliocr.checks import is_number
from aliocr.redaction import without_query

ENDPOINT_VARIABLE = "ALIOCR_ENDPOINT"
"""Environment variable for an endpoint that is used in place of the region's, as in a test."""

_ADDRESS = "http:// or https:// and a host, without a path"

REGIONS = {
    "shanghai": "cn-shanghai",
    "beijing": "cn-beijing",
    "shenzhen": "cn-shenzhen",
    "singapore": "ap-southeast-1",
    "frankfurt": "eu-central-1",
}
"""The regions that read images, by their places. Only for advice: there may be more by now.
Source: "Endpoints"."""

_REGION = re.compile(r"[a-z]{2,3}-[a-z]+(-[a-z0-9]+)*")

EXPECTED = {
    "biz_type": "the name of a policy, or None",
    "limits": "a Limits(...)",
    "timeout": "seconds above 0, or None for no limit",
    "max_retries": "a whole number from 0 up",
    "throttle_timeout": "seconds above 0, or None for no limit",
    "patience": "seconds above 0, or None for no limit",
    "max_waiting": "a whole number from 1 up, or None for no limit",
    "repeat_budget": "a whole number from 0 up, or None for no limit",
    "limiter": "an object with an awaitable acquire()",
    "http": "an aiohttp.ClientSession, or None",
    "budget": "a whole number of images from 1 up, or None for no limit",
    "input_format": "text, csv, jsonl, parquet or folder, or None to use the file name",
    "output_format": "jsonl, csv or parquet, or None to use the file name",
    "retry": "a Retry(...), or None",
    "stop": "an asyncio.Event, or None",
    "credentials": 'a Credentials(...), a callable that returns one, "chain", or a client or '
    "provider of alibabacloud-credentials",
    "endpoint": _ADDRESS,
    ENDPOINT_VARIABLE: _ADDRESS,
    "region": "a region id such as cn-shanghai",
}
"""The expected value of each argument, for the error message."""

MOST_SECONDS = 1e9
"""Upper bound of a timeout, in seconds: 30 years. A caller that wants no limit gives None."""


def check(holds: object, name: str, value: object) -> None:
    """Refuse an argument if its condition does not hold.

    Raises:
        ValueError: The condition does not hold. The message has the name of the argument, the
            value that was expected and the value that was given.
    """
    if not holds:
        raise ValueError(f"{name} must be {EXPECTED[name]}, not {value!r}")


def is_positive(value: object) -> bool:
    """Tell whether a value is a number of seconds above 0."""
    return is_number(value) and 0 < value < MOST_SECONDS


def base_url(endpoint: str | None, region: str) -> str:
    """Return the scheme and host to which requests are sent.

    Args:
        endpoint: The endpoint that the caller gave. None for the variable `ALIOCR_ENDPOINT`, if it
            is set and not empty.
        region: The region whose address is used if there is no endpoint.

    Raises:
        ValueError: A bad address or region. The message leaves out query and password.
    """
    name = "endpoint"
    if endpoint is None:
        name, endpoint = ENDPOINT_VARIABLE, os.environ.get(ENDPOINT_VARIABLE) or None
    if endpoint is None:
        _check_region(region)
        return f"https://green.{region}.aliyuncs.com"
    check(isinstance(endpoint, str), name, endpoint)
    address = _scheme_and_host(endpoint)
    check(address, name, without_query(endpoint))
    return address


def _check_region(region: object) -> None:
    """Refuse what has not the form of a region id; its host would not be found."""
    if isinstance(region, str) and _REGION.fullmatch(region):
        return
    known = {name: each for place, each in REGIONS.items() for name in (place, each)}
    meant = get_close_matches(str(region).strip().lower(), known, 1)
    advice = f"; did you mean {known[meant[0]]!r}?" if meant else ""
    raise ValueError(f"region must be {EXPECTED['region']}, not {region!r}{advice}")


def _scheme_and_host(url: str) -> str:
    """Return scheme and host of a URL; "" if the host is not valid, or the URL has other parts."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        named = parts.port != 0 and (":" in host or bool(host.encode("idna")))
    except ValueError:  # a UnicodeError is a ValueError, too
        return ""
    spaced = any(character.isspace() for character in host)
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not named or spaced or more:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
