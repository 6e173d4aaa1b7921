"""Argument type checks: no bool as int, no NaN, no text that UTF-8 cannot encode.

A type checker does not find all of these: for a type checker, NaN is a float. And callers that use
no type checker may pass any value.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import TypeGuard

AROUND = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
)
"""What tables and web pages leave around a URL: blanks, and characters without width."""


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a finite int or float; a bool is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether a value is an int; a bool is not an int."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: object, least: int = 0) -> TypeGuard[int]:
    """Tell whether a value is an int of at least `least`."""
    return is_whole(value) and value >= least


def is_url(text: str) -> bool:
    """Tell whether a text begins like an http or https URL. If it does not, it may be a path."""
    return text.lstrip(AROUND)[:8].lower().startswith(("http://", "https://"))


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine: `localhost`, or an address such as `127.0.0.1`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_text(value: object) -> TypeGuard[str]:
    """Tell whether a value is a string that UTF-8 can encode, that is, without lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
