"""One request there and back: images → body → answer → what became of each image."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator, Sequence

from aliocr.credentials import Credentials, CredentialsProvider
from aliocr.errors import APIError, AuthError, ThrottledError
from aliocr.models import Image
from aliocr.protocol import replies, wire
from aliocr.protocol.transport import Transport


class HttpSender:
    """Joins credentials, wire and transport.

    Args:
        transport: Where requests go; not owned.
        credentials: An AccessKey, or what gives the one of the moment.
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
        """Get what may take time, so that nothing stands between a permit and its request.

        Raises:
            AuthError: The credentials provider failed; its exception is the cause.
        """
        if isinstance(self._source, Credentials):
            return
        try:
            found = self._source()
            found = await found if inspect.isawaitable(found) else found
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise _no_credentials("was cancelled") from None
        except Exception as error:
            raise _no_credentials(f"raised {type(error).__name__}") from error
        if not isinstance(found, Credentials):
            raise _no_credentials(f"gave {type(found).__name__}, not Credentials")
        self._credentials = found

    async def send(self, images: Sequence[Image]) -> Iterator[replies.Part]:
        """Send one request and say what became of each image, part by part; see `decode_reply`.

        Raises:
            OCRError: The request as a whole failed.
        """
        if self._credentials is None:
            raise RuntimeError("prepare() comes before send()")
        named = wire.name_images(images)
        body = wire.encode_request(named, self._biz_type)
        answer = await self._transport.post(body, self._credentials)
        try:
            return replies.decode_reply(answer.status, answer.body, named)
        except APIError as error:
            if error.code == "InvalidTimeStamp.Expired":
                # Worth its one retry only if the answer told what time it is there.
                error.transient = self._transport.set_clock(answer.date)
            if isinstance(error, ThrottledError):
                error.retry_after = answer.retry_after
            raise


def _no_credentials(what: str) -> AuthError:
    return AuthError("NoCredentials", f"the credentials provider {what}")
