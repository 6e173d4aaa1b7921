"""Asyncio client for Alibaba Cloud image OCR (Content Moderation 1.0, `/green/image/scan`).

async with aliocr.Session() as ocr:
    scan = await ocr.scan("https://example.com/receipt.png")
"""

from aliocr.credentials import Credentials, CredentialsProvider
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
from aliocr.limiter import Limiter, PacedLimiter, StrictLimiter
from aliocr.limits import Limits
from aliocr.models import Failure, Frame, Image, Outcome, Region, Scan
from aliocr.session import Session
from aliocr.stats import Stats
from aliocr.version import __version__

__all__ = [
    "APIError",
    "AuthError",
    "Credentials",
    "CredentialsProvider",
    "DownloadError",
    "Failure",
    "Frame",
    "Image",
    "ImageError",
    "Limiter",
    "Limits",
    "OCRError",
    "Outcome",
    "OverloadError",
    "PacedLimiter",
    "Region",
    "ResponseError",
    "Scan",
    "ScanTimeoutError",
    "Session",
    "Stats",
    "StrictLimiter",
    "ThrottledError",
    "TransportError",
    "__version__",
]
