"""Asyncio client for Alibaba Cloud image OCR (Content Moderation 1.0, `/green/image/scan`).

async with aliocr.Session() as ocr:
    scan = await ocr.scan("https://example.com/receipt.png")
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aliocr.credentials import Credentials, CredentialsProvider
    from aliocr.dispatch.limiter import Limiter, PacedLimiter, StrictLimiter
    from aliocr.errors import (
        APIError,
        AuthError,
        DownloadError,
        ImageError,
        OCRError,
        OverloadError,
        ResponseError,
        ScanTimeoutError,
        ThrottledError,
        TransportError,
    )
    from aliocr.job.errors import InputError, JobError
    from aliocr.job.job import Job, Retry
    from aliocr.job.output.read_back import results
    from aliocr.job.output.result import Read, Result, Unread
    from aliocr.job.plan import Plan
    from aliocr.job.sources import Urls
    from aliocr.job.summary import Progress, Summary
    from aliocr.limits import Limits
    from aliocr.models import Failure, Frame, Image, Outcome, Region, Scan
    from aliocr.pictures.bounds import PictureError
    from aliocr.pictures.drawing import draw
    from aliocr.pictures.drawn import Drawing, DrawnFrame
    from aliocr.session import Session
    from aliocr.stats import Stats
    from aliocr.text.hocr import to_hocr
    from aliocr.text.layout import Line
    from aliocr.text.search import Match, search
    from aliocr.version import __version__
else:
    # Each name is fetched from its room when it is first asked for: pytest starts with the plugin
    # without waiting for aiohttp.
    _ROOMS = {
        "APIError": "errors",
        "AuthError": "errors",
        "Credentials": "credentials",
        "CredentialsProvider": "credentials",
        "DownloadError": "errors",
        "Drawing": "pictures.drawn",
        "DrawnFrame": "pictures.drawn",
        "Failure": "models",
        "Frame": "models",
        "Image": "models",
        "ImageError": "errors",
        "InputError": "job.errors",
        "Job": "job.job",
        "JobError": "job.errors",
        "Limiter": "dispatch.limiter",
        "Limits": "limits",
        "Line": "text.layout",
        "Match": "text.search",
        "OCRError": "errors",
        "Outcome": "models",
        "OverloadError": "errors",
        "PacedLimiter": "dispatch.limiter",
        "PictureError": "pictures.bounds",
        "Plan": "job.plan",
        "Progress": "job.summary",
        "Read": "job.output.result",
        "Region": "models",
        "ResponseError": "errors",
        "Result": "job.output.result",
        "Retry": "job.job",
        "Scan": "models",
        "ScanTimeoutError": "errors",
        "Session": "session",
        "Stats": "stats",
        "StrictLimiter": "dispatch.limiter",
        "Summary": "job.summary",
        "ThrottledError": "errors",
        "TransportError": "errors",
        "Unread": "job.output.result",
        "Urls": "job.sources",
        "__version__": "version",
        "draw": "pictures.drawing",
        "results": "job.output.read_back",
        "search": "text.search",
        "to_hocr": "text.hocr",
    }

    def __getattr__(name: str) -> object:
        """The public thing of this name."""
        if name not in _ROOMS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        thing = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
        globals()[name] = thing
        return thing

    def __dir__() -> list[str]:
        return list(_ROOMS)


__all__ = [
    "APIError",
    "AuthError",
    "Credentials",
    "CredentialsProvider",
    "DownloadError",
    "Drawing",
    "DrawnFrame",
    "Failure",
    "Frame",
    "Image",
    "ImageError",
    "InputError",
    "Job",
    "JobError",
    "Limiter",
    "Limits",
    "Line",
    "Match",
    "OCRError",
    "Outcome",
    "OverloadError",
    "PacedLimiter",
    "PictureError",
    "Plan",
    "Progress",
    "Read",
    "Region",
    "ResponseError",
    "Result",
    "Retry",
    "Scan",
    "ScanTimeoutError",
    "Session",
    "Stats",
    "StrictLimiter",
    "Summary",
    "ThrottledError",
    "TransportError",
    "Unread",
    "Urls",
    "__version__",
    "draw",
    "results",
    "search",
    "to_hocr",
]
