"""The errors of the network: aiohttp's errors become the package's errors.

After a network failure, it matters whether the service may have got the request. If it cannot have
got it, the images can be sent again without cost. If it may have, they may be charged twice.
"""

from __future__ import annotations

import os
import ssl

import aiohttp

from aliocr.errors import AuthError, OCRError, ScanTimeoutError, TransportError
from aliocr.route import CA_FILE, Route

CONNECT_TIMEOUT = 3.0
"""Timeout for connecting, in seconds. Source: the vendor's samples for this operation."""


_CLOUD = ".aliyuncs.com"
"""The end of the names that a region's address has."""


def translated(error: Exception, route: Route = Route()) -> OCRError:  # noqa: B008 - frozen
    """Translate an error of aiohttp; its class shows whether the request may have left.

    The order of the cases matters, because some classes are subclasses of others: aiohttp's
    timeouts are `TimeoutError`s, and its TLS errors are `ClientConnectorError`s. For a proxy that
    cannot be reached, aiohttp raises a `ClientConnectorError`, too.

    Args:
        error: The error.
        route: The route of the request; the message names its proxy.
    """
    found: OCRError
    match error:
        case aiohttp.ConnectionTimeoutError():
            text = f"no connection within {CONNECT_TIMEOUT:g} s{via(route)}"
            found = ScanTimeoutError(text, transient=True)
        case TimeoutError():
            text = f"no answer in time{via(route)}"
            found = ScanTimeoutError(text, transient=True, maybe_charged=True)
        case aiohttp.ClientHttpProxyError():
            found = refused_by_proxy(error.status, route)
        case aiohttp.ClientConnectorCertificateError():
            found = TransportError(f"{_untrusted(error)}{via(route)}")
        case aiohttp.ServerFingerprintMismatch():
            found = TransportError(f"the certificate was not accepted: {error}{via(route)}")
        case aiohttp.ClientConnectorSSLError():
            # The errno comes from OpenSSL; for the operating system it has another meaning.
            text = f"no TLS at {error.host}:{error.port}; does its URL begin with http://?"
            found = TransportError(f"{text}{via(route)}")
        case aiohttp.ClientConnectorDNSError():
            advice = "; check the region" if error.host.endswith(_CLOUD) else ""
            text = f"the name {error.host} was not found: {error.strerror}{advice}{via(route)}"
            found = TransportError(text, transient=True)
        case aiohttp.ClientConnectorError():
            number = error.errno or 0
            why = os.strerror(number) if number > 0 else error.strerror or "closed"
            step = "no TLS handshake with" if error.ssl and not number else "no connection to"
            text = f"{step} {error.host}:{error.port}: {why}{via(route)}"
            found = TransportError(text, transient=True)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            found = TransportError(f"not an address that can be reached: {error}{via(route)}")
        case _:
            text = f"the connection broke: {_reason(error)}{via(route)}"
            found = TransportError(text, transient=True, maybe_charged=True)
    return found


def via(route: Route) -> str:
    """Return the end of a message about a route; empty without a proxy."""
    return f" (proxy: {route.proxy})" if route.proxy else ""


_UNKNOWN_ISSUER = frozenset({18, 19, 20, 21})
"""OpenSSL's codes for a certificate that no trusted certificate vouches for."""


def _untrusted(error: aiohttp.ClientConnectorCertificateError) -> str:
    """Return what is wrong with a certificate, and what to do if its issuer is not known."""
    reason = error.certificate_error
    if not isinstance(reason, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {error}"
    text = f"the certificate of {error.host} was not accepted: {reason.verify_message}"
    if reason.verify_code not in _UNKNOWN_ISSUER:
        return text
    return f"{text}; if you trust its issuer, name its file in {CA_FILE}, or give tls="


def _reason(error: Exception) -> str:
    """Return why a connection broke, without the words of aiohttp: they quote whole headers."""
    match error:
        case aiohttp.ClientPayloadError():
            return "the response ended early, or its framing is damaged"
        case aiohttp.ServerDisconnectedError():
            return "the server closed it before the response was complete"
        case aiohttp.ClientResponseError():
            return "the head of the response cannot be read"
        case OSError() if error.errno:
            return os.strerror(error.errno)
        case _:
            return type(error).__name__


def refused_by_proxy(status: int, route: Route) -> OCRError:
    """Return the error for a proxy that refuses to connect.

    The proxy will refuse every request, unless its status (500 or above) says that it has failed.
    """
    proxy = f"the proxy {route.proxy}" if route.proxy else "the proxy"
    text = f"{proxy} refuses the connection to the service"
    if status >= 500:
        return TransportError(f"{text} with HTTP {status}", transient=True)
    if status == 407 and route.login:
        text += " with the user and password that were given"
    return AuthError(f"HTTP {status}", text)
