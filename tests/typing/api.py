# pyright: strict
"""Uses every public name as a user does. Never run: the type checker reads it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, assert_never, assert_type

import aiohttp

import aliocr


async def provider() -> aliocr.Credentials:
    """A provider may be asynchronous."""
    return aliocr.Credentials("id", "secret", security_token="token")


class Shared:
    """A limiter of the user's own."""

    async def acquire(self) -> None:
        """Leave to send."""


async def source() -> AsyncIterator[str | aliocr.Image]:
    """Images may come asynchronously."""
    yield "https://example.com/a.png"
    yield aliocr.Image("https://example.com/b.gif", data_id="b", interval=1, max_frames=10)


async def opened() -> None:
    """A session without a block."""
    ocr = aliocr.Session()
    await ocr.open()
    await ocr.drain()
    await ocr.drain(10)
    await ocr.close()


class VendorClient:
    """As that of alibabacloud-credentials."""

    def get_credential(self) -> object:
        """Return the vendor's credentials."""
        return object()


def sessions() -> list[aliocr.Session]:
    """Credentials of every kind."""
    return [
        aliocr.Session(),
        aliocr.Session(credentials=aliocr.Credentials("id", "secret")),
        aliocr.Session(credentials=lambda: aliocr.Credentials("id", "secret")),
        aliocr.Session(credentials=provider),
        aliocr.Session(credentials=VendorClient()),
        aliocr.Session(credentials="chain"),
        aliocr.Session(credentials="key"),  # type: ignore[arg-type]
    ]


async def verbs(http: aiohttp.ClientSession) -> None:
    """The three verbs and every option."""
    limiter: aliocr.Limiter = Shared()
    credentials: aliocr.CredentialsProvider = provider
    async with aliocr.Session(
        credentials=credentials,
        endpoint="http://127.0.0.1:8787",
        region="cn-shanghai",
        biz_type="default",
        limits=aliocr.Limits(
            requests_per_second=10,
            images_per_request=100,
            images_per_second=50.5,
            images_in_flight=50,
        ),
        timeout=7.0,
        max_retries=3,
        limiter=limiter,
        throttle_timeout=60.0,
        patience=15.0,
        max_waiting=100_000,
        repeat_budget=6_000,
        http=http,
    ) as ocr:
        scan = await ocr.scan("https://example.com/a.png")
        assert_type(scan, aliocr.Scan)
        assert_type(await ocr.scan("https://example.com/a.png", timeout=2.5), aliocr.Scan)
        stats: aliocr.Stats = ocr.stats
        assert_type(stats.outcomes["Scan"], int)
        assert_type(stats.batch_fill, float)
        assert_type(stats.under_way, int)
        for outcome in await ocr.scan_many(["https://example.com/a.png"]):
            assert_type(outcome, aliocr.Scan | aliocr.Failure)
            use(outcome)
        stop = asyncio.Event()
        async for outcome in ocr.stream(source(), stop=stop):
            use(outcome)
        async for outcome in ocr.stream(["https://example.com/a.png"]):
            use(outcome)
        outcomes: AsyncIterator[aliocr.Outcome] = ocr.stream(["https://example.com/a.png"])
        use(await anext(outcomes))
        async with ocr.stream(["https://example.com/a.png"]) as stream, aclosing(stream):
            assert_type(stream, aliocr.OutcomeStream)
            use(await asyncio.wait_for(anext(stream), 5))


def limiters() -> list[aliocr.Limiter]:
    """Those that are offered."""
    return [aliocr.PacedLimiter(9.5), aliocr.StrictLimiter(10)]


def use(outcome: aliocr.Outcome) -> None:
    """`ok` gives the attributes their types; `is True`, `isinstance` and `match` the outcome."""
    if outcome.ok:
        assert_type(outcome.text, str)
        region: aliocr.Region
        for region in outcome.regions:
            assert_type((region.text, region.x), tuple[str, float])
        frame: aliocr.Frame
        for frame in outcome.frames:
            assert_type(frame.rate, float | None)
        assert_type((outcome.label, outcome.task_id), tuple[str | None, str | None])
        assert_type("\n".join(outcome.lines), str)
    else:
        assert_type(outcome.error, aliocr.OCRError)
    assert_type((outcome.needs_review, outcome.request_id), tuple[bool, str | None])
    assert_type(outcome.to_dict(whole_urls=True), dict[str, Any])
    if outcome.ok is True:
        assert_type(outcome, aliocr.Scan)
    else:
        assert_type(outcome, aliocr.Failure)
    if not isinstance(outcome, aliocr.Scan):
        raise outcome.error
    assert_type(outcome, aliocr.Scan)


def use_without_asking(outcome: aliocr.Outcome) -> str:
    """Mypy reports it; pyright cannot."""
    return outcome.text  # type: ignore[union-attr]


def use_of_a_match(outcome: aliocr.Outcome) -> None:
    """`match` narrows."""
    match outcome:
        case aliocr.Scan(text=text):
            assert_type(text, str)
        case aliocr.Failure(error=aliocr.APIError(code=code)):
            assert_type(code, int | str)
        case aliocr.Failure():
            pass
        case _:
            assert_never(outcome)


def use_of_a_row(result: aliocr.Result) -> None:
    """`ok` of a row gives the attributes their types, too."""
    if result.ok:
        assert_type("\n".join(result.lines), str)
        assert_type((result.label, result.rate), tuple[str | None, float | None])
        assert_type((result.width, result.turn), tuple[int | None, int | None])
    else:
        assert_type((result.kind, result.code, result.error), tuple[str, int | str | None, str])
        assert_type((result.transient, result.maybe_charged), tuple[bool, bool])
    assert_type((result.row, result.source, result.interval), tuple[int, str, int | None])
    assert_type(result.needs_review, bool)


def drawings(scan: aliocr.Scan) -> None:
    """Of bytes or a file, with or without a font."""
    drawing = aliocr.draw(b"", scan)
    assert_type(drawing, aliocr.Drawing)
    assert_type(drawing.frames, tuple[aliocr.DrawnFrame, ...])
    assert_type(aliocr.draw("a.png", scan, font=Path("font.ttf")).remarks, tuple[str, ...])
    drawing.save("a.boxes.png")
    drawing.picture.save(Path("a.boxes.png"))


def drawn_of_a_job(row: aliocr.Result) -> aliocr.Drawing:
    """What a job's output says can be drawn, too; a row that failed raises."""
    return aliocr.draw(Path("a.png"), row)


def errors(error: aliocr.OCRError) -> str | None:
    """Every class of the tree can be caught by name."""
    match error:
        case aliocr.ThrottledError():
            return error.message if error.retry_after is None else str(error.retry_after)
        case aliocr.AuthError() | aliocr.OverloadError():
            return error.message
        case aliocr.DownloadError() | aliocr.ImageError():
            return str(error.code)
        case aliocr.ScanTimeoutError() | aliocr.TransportError() | aliocr.ResponseError():
            return error.request_id
        case _:
            return aliocr.__version__ if error.transient or error.maybe_charged else None


def finding(outcomes: list[aliocr.Outcome]) -> None:
    """A match keeps the type of what was searched, and says what to mark."""
    for match in aliocr.search(outcomes, "total"):
        assert_type(match, aliocr.Match[aliocr.Scan | aliocr.Failure])
        assert_type(match.regions, tuple[aliocr.Region, ...])
        for line, start, end in match.spans:
            assert_type(line.text[start:end], str)


def exporting(scan: aliocr.Outcome, row: aliocr.Result) -> None:
    """Both of what can be read are exported; a failure raises."""
    assert_type(aliocr.to_hocr(scan, size=(640, 480), title="a page"), str)
    assert_type(aliocr.to_hocr(row), str)


def columns() -> tuple[str, ...]:
    """The keys of `to_dict`."""
    return aliocr.COLUMNS
