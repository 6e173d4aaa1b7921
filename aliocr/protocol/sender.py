"""The sender: images → body → signed POST → response → outcome of each image."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator, Sequence

from aliocr.credentials import Credentials, CredentialsProvider
from aliocr.errors import AuthError, OCRError
from aliocr.models import Image
from aliocr.protocol import replies, signing, wire
from aliocr.protocol.transport import HttpResponse, Transport
from aliocr.redaction import Secrets

CREDENTIALS_TIMEOUT = 10.0
"""Time that a credentials provider may take, in seconds. A metadata service answers within one."""


class HttpSender:
    """Sends batches over HTTP, with credentials, wire and transport.

    Args:
        transport: Sends the bodies; its owner closes it.
        credentials: An AccessKey, or a provider of changing credentials.
        biz_type: The moderation policy to apply; None for the service's default.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials | CredentialsProvider,
        biz_type: str | None,
    ) -> None:
        self._transport = transport
        self._source = credentials
        self._credentials = credentials if isinstance(credentials, Credentials) else None
        self._biz_type = biz_type

    async def prepare(self) -> None:
        """Get the credentials, so that nothing is awaited between a permit and its request.

        Raises:
            AuthError: The credentials provider failed; its exception is the cause. Another try may
                succeed, unless the provider returned something else than credentials.
        """
        if isinstance(self._source, Credentials):
            return
        bound = asyncio.timeout(CREDENTIALS_TIMEOUT)
        try:
            async with bound:
                found = self._source()
                found = await found if inspect.isawaitable(found) else found
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise _no_credentials("was cancelled", transient=True) from None
        except Exception as error:
            what = f"raised {type(error).__name__}"
            if bound.expired():
                what = f"did not return within {CREDENTIALS_TIMEOUT:g} s"
            raise _no_credentials(what, transient=True) from error
        if not isinstance(found, Credentials):
            raise _no_credentials(f"gave {type(found).__name__}, not Credentials")
        self._credentials = found

    async def send(self, images: Sequence[Image]) -> Iterator[replies.ReplyPart]:
        """Send one request; return the outcome of each image, part by part, as `decode_reply` does.

        Raises:
            OCRError: The request as a whole failed.
        """
        if self._credentials is None:
            raise RuntimeError("prepare() comes before send()")
        named = wire.name_images(images)
        body = wire.encode_request(named, self._biz_type)
        response = await self._transport.post(body, self._credentials)
        try:
            return replies.decode_reply(
                response.status,
                response.body,
                named,
                secrets=_secrets_of(self._credentials, response, self._transport.login),
                cut=response.cut,
                on_stale=response.close_connection,
            )
        except OCRError as error:
            if isinstance(error, AuthError) and error.code == "InvalidTimeStamp.Expired":
                # A retry can succeed only if this response has a valid Date, which sets the clock.
                error.transient = self._transport.set_clock(response.date)
            error.retry_after = response.retry_after
            raise


def _secrets_of(credentials: Credentials, response: HttpResponse, login: str) -> Secrets:
    """Return the secrets that a reply may quote, and the text that a refusal may quote."""
    sent = response.signed
    return Secrets(
        (
            credentials.access_key_secret,
            credentials.security_token or "",
            sent.get("Authorization", "").rpartition(":")[2],
            login,
        ),
        signed=signing.string_to_sign("POST", signing.SCAN_PATH, (), sent)
        if response.status >= 400
        else "",
    )


def _no_credentials(what: str, *, transient: bool = False) -> AuthError:
    return AuthError("NoCredentials", f"the credentials provider {what}", transient=transient)
