"""The AccessKey that signs requests, and its sources."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Mapping
from typing import Any, Literal, Protocol, TypeAlias

import attrs

# The environment variables that the vendor's SDKs and tools read. Source: alibabacloud-credentials.
ID_VARIABLE = "ALIBABA_CLOUD_ACCESS_KEY_ID"
SECRET_VARIABLE = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"  # noqa: S105
TOKEN_VARIABLE = "ALIBABA_CLOUD_SECURITY_TOKEN"  # noqa: S105


def _printable(_: Credentials, attribute: attrs.Attribute[str], value: str | None) -> None:
    """Refuse an obvious mistake: an empty value, or a value copied with a space or line break.

    The message names the field but not the value, because the value may be the secret.
    """
    if value is None and attribute.name == "security_token":
        return
    if not isinstance(value, str) or not value:
        raise ValueError(f"{attribute.name} must be a non-empty string")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(
            f"{attribute.name} holds a space, line break or non-ASCII character; "
            "copy it again from the console"
        )


@attrs.frozen
class Credentials:
    """An AccessKey. The repr leaves out its secret and token.

    Args:
        access_key_id: The public half.
        access_key_secret: The secret half, which signs requests and is never sent.
        security_token: The STS token of a temporary key; None for a permanent key.
    """

    access_key_id: str = attrs.field(validator=_printable)
    access_key_secret: str = attrs.field(validator=_printable, repr=False)
    security_token: str | None = attrs.field(default=None, validator=_printable, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Credentials:
        """Read `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_ACCESS_KEY_SECRET` and `…_SECURITY_TOKEN`.

        Args:
            environment: The variables; None for `os.environ`.

        Raises:
            ValueError: A variable is missing; the message says which variable to set.
        """
        env = os.environ if environment is None else environment
        missing = [name for name in (ID_VARIABLE, SECRET_VARIABLE) if not env.get(name)]
        if missing:
            raise ValueError(
                f"no AccessKey: set {' and '.join(missing)} in the environment "
                f"(and {TOKEN_VARIABLE} for a temporary key), or pass credentials="
            )
        return cls(env[ID_VARIABLE], env[SECRET_VARIABLE], env.get(TOKEN_VARIABLE) or None)


class CredentialsProvider(Protocol):
    """A callable that returns the current credentials, directly or as an awaitable.

    The provider is called before every request, so that a rotated key or a renewed token is used
    immediately. If getting credentials is slow, the provider should keep them for the next calls.

    If it raises an exception, or if its awaitable takes long, the last credentials are used until
    the service refuses them. Without such credentials, this counts as a failed try of the images
    that would have been sent next; the awaitable may take 10 s. A provider that is a plain function
    blocks the event loop while it runs, so it cannot be stopped.
    """

    def __call__(self) -> Credentials | Awaitable[Credentials]:
        """Return the credentials that sign the next request."""
        ...


class VendorClient(Protocol):
    """A client of the vendor's package `alibabacloud-credentials`. It may block."""

    def get_credential(self) -> Any:
        """Return the vendor's credentials."""
        ...


class VendorCredentialsProvider(Protocol):
    """A provider of the vendor's package `alibabacloud-credentials`. It may block."""

    def get_credentials(self) -> Any:
        """Return the vendor's credentials."""
        ...


AnyCredentials: TypeAlias = (
    Credentials | CredentialsProvider | VendorClient | VendorCredentialsProvider | Literal["chain"]
)
"""What a session takes; `"chain"` is the vendor's default chain."""
