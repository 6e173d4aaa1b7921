"""The sender: images → body → signed POST → response → outcome of each image."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

from aliocr.credentials import Credentials
from aliocr.errors import AuthError, OCRError
from aliocr.keys.kept import KeptCredentials
from aliocr.models import Image
from aliocr.protocol import replies, wire
from aliocr.protocol.transport import Transport
from aliocr.redaction import Secrets

OF_KEY = ("InvalidAccessKeyId", "InvalidSecurityToken", "MissingSecurityToken")
"""Beginnings of the codes with which the service refuses a key. Source: "Public errors"."""


class HttpSender:
    """Sends batches over HTTP, with credentials, wire and transport.

    Args:
        transport: Sends the bodies; its owner closes it.
        credentials: The credentials of the session; their owner closes them.
        biz_type: The moderation policy to apply; None for the service's default.

    Attributes:
        ready: True if a request can be sent at once. The service may have refused the credentials
            that were got for the next request.
    """

    def __init__(
        self, transport: Transport, credentials: KeptCredentials, biz_type: str | None
    ) -> None:
        self._transport = transport
        self._kept = credentials
        self._credentials: Credentials | None = None
        self._biz_type = biz_type

    @property
    def ready(self) -> bool:  # noqa: D102 - in the docstring of the class
        return self._credentials is not None

    async def prepare(self) -> None:
        """Get the credentials, so that nothing is awaited between a permit and its request.

        Raises:
            AuthError: There are no credentials. Another try may succeed if it is transient.
        """
        self._credentials = await self._kept.current()

    def send(self, images: Sequence[Image]) -> Coroutine[Any, Any, Iterator[replies.ReplyPart]]:
        """Send one request; return the outcome of each image, part by part, as `decode_reply` does.

        The credentials are taken now, not when the coroutine starts: by then, they may be refused.

        Raises:
            OCRError: The request as a whole failed.
        """
        if self._credentials is None:
            raise RuntimeError("prepare() comes before send()")
        return self._send(images, self._credentials)

    async def _send(
        self, images: Sequence[Image], credentials: Credentials
    ) -> Iterator[replies.ReplyPart]:
        named = wire.name_images(images)
        body = wire.encode_request(named, self._biz_type)
        response = await self._transport.post(body, credentials)
        try:
            return replies.decode_reply(
                response.status,
                response.body,
                named,
                secrets=_secrets_of(credentials),
                cut=response.cut,
                on_stale=response.close_connection,
            )
        except OCRError as error:
            if isinstance(error, AuthError):
                self._learn(error, credentials, response.date)
            error.retry_after = response.retry_after
            raise

    def _learn(self, error: AuthError, credentials: Credentials, date: str | None) -> None:
        """Learn from a refusal of the account what the next request needs."""
        code = str(error.code)
        if code == "InvalidTimeStamp.Expired":
            # A retry can succeed only if this response has a valid Date, which sets the clock.
            error.transient = self._transport.set_clock(date)
        if code.startswith(OF_KEY):
            self._kept.refused(credentials)
            if credentials == self._credentials:
                self._credentials = None


def _secrets_of(credentials: Credentials) -> Secrets:
    """Return the secrets that a reply may quote."""
    return Secrets((credentials.access_key_secret, credentials.security_token or ""))
