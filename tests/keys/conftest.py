"""A machine without credentials."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from aliocr.keys.chain import chain

VARIABLES = (
    *("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN", "PROFILE"),
    *("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE", "CREDENTIALS_FILE", "CREDENTIALS_URI"),
    *("ECS_METADATA", "ECS_METADATA_DISABLED", "STS_REGION", "CLI_PROFILE_DISABLED"),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home folder, and no variable of the vendor."""
    for name in VARIABLES:
        monkeypatch.delenv(f"ALIBABA_CLOUD_{name}", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with suppress(ImportError):
        from alibabacloud_credentials.utils import auth_util  # reads these when it is imported

        for source in ("ecs_metadata", "cli_profile"):
            monkeypatch.setattr(auth_util, f"environment_{source}_disabled", "false")
    monkeypatch.setenv("HOME", str(tmp_path))
    chain.cache_clear()
    yield tmp_path
    chain.cache_clear()
    for thread in threading.enumerate():
        if thread.name == "aliocr credentials":  # a call that still runs would ask the next test
            thread.join(30)
