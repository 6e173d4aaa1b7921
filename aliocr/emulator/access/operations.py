"""The operations of the API: their paths, their names, and how often each may be called.

Source: "Request structure" for the first; the vendor's SDKs for the names and the other paths.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from aliocr.protocol import signing

Action: TypeAlias = Literal[
    "ImageSyncScan", "ImageAsyncScan", "ImageAsyncScanResults", "UploadCredentials"
]
"""Name of an operation in the header `x-acs-action`, which the vendor's SDKs always send."""


@attrs.frozen
class Operation:
    """One operation of the API.

    Args:
        action: The name.
        path: The path of the URL.
        does: What it does, in a few words for the landing page.
        share: Its limit of requests per second, as a multiple of the account's limit.
    """

    action: Action
    path: str
    does: str
    share: float = 1.0


IMAGE_SCAN = Operation("ImageSyncScan", signing.SCAN_PATH, "reads images at once")
IMAGE_ASYNC_SCAN = Operation(
    "ImageAsyncScan", signing.ASYNC_SCAN_PATH, "takes images that are read later"
)
ASYNC_RESULTS = Operation(
    "ImageAsyncScanResults", signing.RESULTS_PATH, "says what became of these images", share=5
)
UPLOAD_CREDENTIALS = Operation(
    "UploadCredentials", signing.UPLOAD_CREDENTIALS_PATH, "hands out a temporary key for uploads"
)

OPERATIONS = {
    operation.path: operation
    for operation in (IMAGE_SCAN, IMAGE_ASYNC_SCAN, ASYNC_RESULTS, UPLOAD_CREDENTIALS)
}
"""The operations that the emulator serves, by path."""


def check_action(action: str | None) -> None:
    """Raise ValueError for a name that is not None and no name of an operation."""
    if action is not None and action not in get_args(Action):
        raise ValueError(f"operation must be {', '.join(get_args(Action))} or None, not {action!r}")
