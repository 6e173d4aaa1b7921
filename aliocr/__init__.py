"""Asyncio client for Alibaba Cloud image OCR (Content Moderation 1.0, `/green/image/scan`).

    async with aliocr.Session() as ocr:
        scan = await ocr.scan("https://example.com/receipt.png")

The way of an image through the package:

    `models`    a URL becomes an `Image`: checked, frozen
    `session`   opens and closes the parts; has `scan`, `scan_many`, `stream`
    `dispatch`  decides when the image is sent, with which others, and whether it is sent again
    `keys`      finds the credentials that sign its request
    `protocol`  encodes a batch for the service, and reads the reply
    `models`    the image becomes a `Scan`, or a `Failure` with one of the `errors`
    `text`      the lines of a scan in reading order; search, hOCR

Other modules: `job` reads lists of images from files. `pictures` and `report` show what was read,
and `export` writes it for other programs. `emulator` is a local imitation of the service. `cli` is
the command line. `pytest_plugin` offers the emulator as a fixture. All modules use the values in
`credentials`, `limits`, `stats` and `errors`, the words for the service's codes in `codes`, the
columns of an outcome in `columns`, and the helpers in `redaction`, `image_url`, `checks`,
`arguments`, `route`, `extras`, `atomic_file` and `version`.

Only the names of this package and of `aliocr.emulator` are public.
"""

from importlib import import_module

# Each name is imported from its module at the first use. So pytest, which loads the plugin of this
# package, does not wait for aiohttp. Type checkers read `__init__.pyi`.
_PUBLIC = {
    "columns": "COLUMNS",
    "credentials": "Credentials CredentialsProvider",
    "dispatch.rates.limiter": "Limiter PacedLimiter StrictLimiter",
    "dispatch.outcome_stream": "OutcomeStream",
    "errors": "APIError AuthError DownloadError ImageError OCRError OverloadError "
    "ResponseError ScanTimeoutError ThrottledError TransportError",
    "job.errors": "InputError JobError",
    "job.job": "Job Retry",
    "job.output.read_back": "results",
    "job.output.result": "Read Result Unread",
    "job.plan": "Plan",
    "job.sources": "Urls",
    "job.summary": "Progress Summary",
    "limits": "Limits",
    "models": "Failure Frame Image Outcome Region Scan",
    "pictures.size_limits": "PictureError",
    "pictures.drawing": "draw",
    "pictures.drawn": "Drawing DrawnFrame",
    "session": "Session",
    "stats": "Stats",
    "text.hocr": "to_hocr",
    "text.layout": "Line",
    "text.search": "Match search",
    "version": "__version__",
}
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605 - listed once, above


def __getattr__(name: str) -> object:
    """Return a public name; import its module at the first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    thing = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return list(__all__)
