"""The vendor's default chain: the places where its own tools look for credentials, in their order.

The first source that answers is kept, so that the account cannot change in the middle of a job. The
metadata service comes last: only on an ECS instance does something answer at its address.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from aliocr.credentials import ID_VARIABLE, SECRET_VARIABLE, Credentials
from aliocr.extras import needed
from aliocr.keys.vendor import BlockingCall, NoCredentialsError, VendorProvider, reason_of

METADATA_TIMEOUT = 1.0
"""Time limit for the first answer of the metadata service, in seconds."""


class Chain:
    """Asks sources in order, and stays with the first that answers.

    Args:
        sources: For each source, its name and a function that makes its provider.
    """

    def __init__(self, sources: Mapping[str, Callable[[], Any]]) -> None:
        self._sources = sources
        self._name: str | None = None
        self._provider: Any = None

    def __call__(self) -> Any:
        """Return the vendor's credentials.

        Raises:
            NoCredentialsError: No source has credentials.
        """
        if self._name is not None:
            self._provider = self._provider or self._sources[self._name]()
            return self._provider.get_credentials()
        reasons = []
        for name, make in self._sources.items():
            try:
                provider = make()
                found = provider.get_credentials()
            except Exception as error:  # noqa: BLE001 - the package raises what it likes
                reasons.append(f"{name}: {reason_of(error)}")
            else:
                self._name, self._provider = name, provider
                return found
        raise NoCredentialsError("no credentials found: " + "; ".join(reasons))

    def forget(self) -> None:
        """Make the provider of the source that answered anew with the next call.

        Its own cache would give the same token again.
        """
        self._provider = None


class _Environment:
    """The environment as it is now; the vendor's own provider keeps that of its import."""

    def get_credentials(self) -> Credentials:
        missing = [name for name in (ID_VARIABLE, SECRET_VARIABLE) if not os.environ.get(name)]
        if missing:
            raise ValueError(f"set {' and '.join(missing)}")
        return Credentials.from_environment()


class _Metadata:
    """The metadata service, with `METADATA_TIMEOUT` until it has answered once."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._answered = False

    def get_credentials(self) -> Any:
        if self._answered:
            return self._provider.get_credentials()
        try:
            found = BlockingCall(self._provider.get_credentials).result(METADATA_TIMEOUT)
        except TimeoutError:
            raise TimeoutError(f"no answer within {METADATA_TIMEOUT:g} s") from None
        self._answered = True
        return found


@cache
def chain(profile: str | None = None) -> VendorProvider:
    """Return the vendor's default chain as a provider; the same one for the whole process.

    The order is: environment, OIDC, `~/.aliyun/config.json`, the file `credentials.ini`,
    `ALIBABA_CLOUD_CREDENTIALS_URI`, and last the metadata service of an ECS instance.

    Args:
        profile: The name of a profile in one of the two files; then only the files are asked. None
            for the whole chain.

    Raises:
        ImportError: The extra `credentials` is missing; the message says how to install it.
    """
    found = Chain(_sources(profile))
    return VendorProvider(found, found.forget)


def _sources(profile: str | None) -> dict[str, Callable[[], Any]]:
    with needed("credentials"):
        from alibabacloud_credentials import provider as vendor  # noqa: PLC0415 - an extra
        from alibabacloud_credentials.http import HttpOptions  # noqa: PLC0415
        from alibabacloud_credentials.provider.profile import (  # noqa: PLC0415
            ProfileCredentialsProvider,
        )
    _tame_log()
    # The variables are given here, because the package reads them only when it is imported.
    variable = os.environ.get

    def chosen() -> str | None:
        return profile or variable("ALIBABA_CLOUD_PROFILE")

    def oidc() -> Any:
        return vendor.OIDCRoleArnCredentialsProvider(
            role_arn=_needed_variable("ALIBABA_CLOUD_ROLE_ARN"),
            oidc_provider_arn=_needed_variable("ALIBABA_CLOUD_OIDC_PROVIDER_ARN"),
            oidc_token_file_path=_needed_variable("ALIBABA_CLOUD_OIDC_TOKEN_FILE"),
            role_session_name=variable("ALIBABA_CLOUD_ROLE_SESSION_NAME"),
            sts_region_id=variable("ALIBABA_CLOUD_STS_REGION"),
        )

    def config() -> Any:
        _check_enabled("ALIBABA_CLOUD_CLI_PROFILE_DISABLED")
        file = str(Path.home() / ".aliyun" / "config.json")
        return vendor.CLIProfileCredentialsProvider(profile_name=chosen(), profile_file=file)

    def ini() -> Any:
        default = Path.home() / ".alibabacloud" / "credentials.ini"
        file = variable("ALIBABA_CLOUD_CREDENTIALS_FILE") or str(default)
        return ProfileCredentialsProvider(profile_name=chosen(), profile_file=file)

    def uri() -> Any:
        return vendor.URLCredentialsProvider(uri=_needed_variable("ALIBABA_CLOUD_CREDENTIALS_URI"))

    def metadata() -> _Metadata:
        _check_enabled("ALIBABA_CLOUD_ECS_METADATA_DISABLED")
        limit = int(1000 * METADATA_TIMEOUT)
        return _Metadata(
            vendor.EcsRamRoleCredentialsProvider(
                role_name=variable("ALIBABA_CLOUD_ECS_METADATA"),
                http_options=HttpOptions(connect_timeout=limit, read_timeout=5 * limit),
                async_update_enabled=False,  # without a thread of its own for each minute
            )
        )

    files = {"~/.aliyun/config.json": config, "credentials.ini": ini}
    if profile is not None:
        return files
    return {
        "environment": _Environment,
        "OIDC": oidc,
        **files,
        "URI": uri,
        "metadata service": metadata,
    }


def _check_enabled(name: str) -> None:
    if os.environ.get(name, "").lower() == "true":
        raise ValueError(f"{name} is set")


def _needed_variable(name: str) -> str:
    if not (value := os.environ.get(name)):
        raise ValueError(f"{name} is not set")
    return value


def _tame_log() -> None:
    """Keep the package from printing its log, and take tokens out of it.

    The package puts handlers for standard error on its logger, and logs addresses with tokens.
    """
    log = logging.getLogger("credentials")
    for handler in log.handlers[:]:
        if type(handler) is logging.StreamHandler and handler.stream is sys.stderr:
            log.removeHandler(handler)
    log.addHandler(logging.NullHandler())
    log.addFilter(_redact)


def _redact(record: logging.LogRecord) -> bool:
    text = reason_of(Exception(record.getMessage()))
    record.msg, record.args, record.exc_info = text, (), None
    return True
