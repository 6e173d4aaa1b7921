"""The pytest plugin: a running emulator of the service, and an open session on it, for any test.

pytest loads it by itself wherever aliocr is installed; `-p no:aliocr` keeps it away. It works with
pytest-asyncio, with anyio and with neither, because it takes no part in running loops:

* the emulator runs in a thread of its own, so it answers blocking clients, too;
* the session is opened and closed within the test itself, by whoever runs that.

It imports nothing of the package before a test asks: whoever has this one installed would wait for
aiohttp at the start of every pytest.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pluggy import Result

    from aliocr import Credentials, Session
    from aliocr.emulator import Call, Emulator

LIMITS = ("requests_per_second", "images_per_second", "images_in_flight")
"""What the emulator keeps and a session can be told, by the name that both give it."""

CALLS_SHOWN = 20
IMAGES_SHOWN = 5
LETTERS_SHOWN = 100
"""What a failed test prints at most: the last calls, the first images of each, of a URL the start.
"""

SESSION: pytest.StashKey[Session] = pytest.StashKey()
OURS: pytest.StashKey[bool] = pytest.StashKey()
"""The emulator is one of this plugin's, which heeds the marks."""


def pytest_configure(config: pytest.Config) -> None:
    """Say what the mark means: `pytest --markers`."""
    config.addinivalue_line(
        "markers",
        "aliocr(**options): start `aliocr_emulator` with these arguments of "
        "aliocr.emulator.Emulator, such as requests_per_second=1000. Of marks on test, class and "
        "module the nearest wins, option by option.",
    )


@pytest.fixture
def aliocr_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """A running emulator of the image OCR service; each test has its own.

    Code that opens `aliocr.Session()` without arguments reaches it, and so does a program that the
    test starts: ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and ALIOCR_ENDPOINT
    say so for as long as the test lasts. Others need its `url` and `credentials`.

    `@pytest.mark.aliocr(...)` takes the arguments of `aliocr.emulator.Emulator`. To share one
    among tests, with an OCR engine for instance, which takes seconds to load, define a fixture of
    this name and a wider scope: `with Emulator(RapidOCREngine) as emulator: yield emulator`; the
    environment says so while each test runs that asks for it, and marks are for yours to read.
    """
    from aliocr.emulator import Emulator

    with Emulator(**_options(request.node)) as emulator, _environment(emulator):
        request.node.stash[OURS] = True
        yield emulator


@pytest.fixture
def aliocr_credentials(aliocr_emulator: Emulator) -> Credentials:
    """The AccessKey that `aliocr_emulator` accepts."""
    return aliocr_emulator.credentials


@pytest.fixture
def aliocr_session(request: pytest.FixtureRequest, aliocr_emulator: Emulator) -> Session:
    """An `aliocr.Session` on `aliocr_emulator`, open as long as an `async def` test runs.

    Other fixtures can pass it on, but not scan with it: it is open within the test alone, on the
    event loop that pytest-asyncio or anyio runs that on. It is told the limits that
    `@pytest.mark.aliocr(...)` names.
    """
    if not _is_async(request):
        pytest.fail(
            "aliocr_session is for `async def` tests. Elsewhere ask for aliocr_emulator, and open "
            "aliocr.Session() where your loop runs: it finds the emulator by itself.",
            pytrace=False,
        )
    from aliocr import Limits, Session

    options = _options(request.node)
    limits = Limits(**{name: options[name] for name in LIMITS if options.get(name) is not None})
    session = Session(
        credentials=aliocr_emulator.credentials, endpoint=aliocr_emulator.url, limits=limits
    )
    request.node.stash[SESSION] = session
    return session


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Point the test to its emulator, and have it open its session, before it is run by anybody."""
    with ExitStack() as stack:
        emulator = _emulator_of(item)
        if emulator is not None and OURS not in item.stash:
            if next(item.iter_markers("aliocr"), None) is not None:
                pytest.fail(
                    "@pytest.mark.aliocr is for this plugin's aliocr_emulator; the one here is a "
                    "fixture of your own, which makes the emulator as it likes",
                    pytrace=False,
                )
            stack.enter_context(_environment(emulator))
        session = item.stash.get(SESSION, None)
        if session is not None and isinstance(item, pytest.Function):
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setattr(item, "obj", _opening(session, item.obj))
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, Result[pytest.TestReport], None]:
    """Show what arrived at the emulator where a test failed."""
    report = (yield).get_result()
    emulator = _emulator_of(item) if report.failed else None
    if emulator is not None:
        report.sections.append(("aliocr calls", _shown(emulator.calls)))


def _emulator_of(item: pytest.Item) -> Emulator | None:
    """The one the test has asked for; None also for a fixture of that name that is no emulator."""
    asked = getattr(item, "funcargs", None) or {}
    if "aliocr_emulator" not in asked:
        return None
    from aliocr.emulator import Emulator

    found = asked["aliocr_emulator"]
    return found if isinstance(found, Emulator) else None


@contextmanager
def _environment(emulator: Emulator) -> Iterator[None]:
    """Code that opens a session without arguments reaches this emulator, and not the service."""
    from aliocr.arguments import ENDPOINT_VARIABLE
    from aliocr.credentials import ID_VARIABLE, SECRET_VARIABLE, TOKEN_VARIABLE

    key = emulator.credentials
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(ENDPOINT_VARIABLE, emulator.url)
        environment.setenv(ID_VARIABLE, key.access_key_id)
        environment.setenv(SECRET_VARIABLE, key.access_key_secret)
        # Who runs the tests may have one of a real account.
        environment.delenv(TOKEN_VARIABLE, raising=False)
        if key.security_token is not None:
            environment.setenv(TOKEN_VARIABLE, key.security_token)
        yield


def _options(node: pytest.Item) -> dict[str, Any]:
    """What the marks say. They are listed from the nearest on, which has the last word."""
    from aliocr.emulator import Emulator

    known = inspect.signature(Emulator).parameters.keys()
    options: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers("aliocr"))):
        unknown = mark.kwargs.keys() - known
        if mark.args or unknown:
            what = ", ".join(sorted(unknown)) or "what has no name"
            pytest.fail(
                f"@pytest.mark.aliocr cannot take {what}; it takes the arguments of "
                "aliocr.emulator.Emulator, by name",
                pytrace=False,
            )
        options |= mark.kwargs
    # Accounts remember what was used up, and the mark is for many tests.
    if "accounts" in options:
        options["accounts"] = copy.deepcopy(options["accounts"])
    return options


def _is_async(request: pytest.FixtureRequest) -> bool:
    """Whether the test is one that another plugin awaits; unittest awaits its own itself."""
    from unittest import TestCase

    return inspect.iscoroutinefunction(request.function) and not isinstance(
        request.instance, TestCase
    )


def _opening(
    session: Session, test: Callable[..., Coroutine[Any, Any, Any]]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """The same test, which opens the session first and closes it in the end."""

    @functools.wraps(test)
    async def opening(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if not _on_asyncio():
            pytest.fail(
                "aliocr_session needs asyncio, and this test runs on something else. With anyio, "
                'have the fixture anyio_backend return "asyncio".',
                pytrace=False,
            )
        async with session:
            return await test(*args, **kwargs)

    return opening


def _on_asyncio() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _shown(calls: list[Call]) -> str:
    """The last calls, each with its images, without the queries of URLs, which may be secret."""
    from aliocr.emulator.http.log_line import LogLine

    last = calls[-CALLS_SHOWN:]
    earlier = len(calls) - len(last)
    lines = [f"({earlier} earlier)"] if earlier else []
    for call in last:
        entry = LogLine.of(call, seconds=0.0)
        lines.append(f"{entry.request}: {entry.answer}")
        images = _images(call)
        lines.extend(f"    {image}" for image in images[:IMAGES_SHOWN])
        if len(images) > IMAGES_SHOWN:
            lines.append(f"    {len(images) - IMAGES_SHOWN} more")
    return "\n".join(lines or ["none arrived"])


def _images(call: Call) -> list[str]:
    """What became of each image, failures first; of a request that was refused, just the images."""
    from aliocr.emulator.http.log_line import escaped
    from aliocr.protocol.wire import OK

    return [
        f"{'' if image.code is None else image.code} {escaped(image.url, LETTERS_SHOWN)}".lstrip()
        for image in sorted(call.images, key=lambda image: image.code == OK)
    ]
