"""The source of the credentials: what the caller gave, checked, as credentials or a provider."""

from __future__ import annotations

from aliocr.arguments import check
from aliocr.credentials import AnyCredentials, Credentials, CredentialsProvider
from aliocr.keys.chain import chain
from aliocr.keys.vendor import VendorProvider


def source_of(credentials: AnyCredentials | None) -> Credentials | CredentialsProvider:
    """Return the given credentials or provider; those of the environment for None.

    Raises:
        ValueError: No credentials, or a wrong type. The message never holds the value.
        ImportError: `"chain"` was given, and the extra `credentials` is missing.
    """
    if credentials is None:
        return Credentials.from_environment()
    if isinstance(credentials, Credentials):
        return credentials
    if isinstance(credentials, str) and credentials == "chain":
        return chain()
    if not isinstance(credentials, type):
        if callable(credentials):
            return credentials
        if (provider := VendorProvider.of(credentials)) is not None:
            return provider
    given = credentials if isinstance(credentials, type) else type(credentials)
    check(False, "credentials", given)  # noqa: FBT003
    raise AssertionError


def account_of(source: Credentials | CredentialsProvider) -> str | CredentialsProvider:
    """Return what stands for the account: the id of a key that never changes, or the provider.

    All sessions with one client of the vendor have one account, so its method stands for it.
    """
    if isinstance(source, Credentials):
        return source.access_key_id
    return source.fetch if isinstance(source, VendorProvider) else source
