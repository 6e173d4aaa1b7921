"""The pytest plugin: fixtures for a running emulator of the service, and for a session with it.

pytest loads the plugin if aliocr is installed; `-p no:aliocr` turns the plugin off. It works with
pytest-asyncio, with anyio, and without these two, because it never runs the test's event loop:

* the emulator runs in a separate thread, so it can also answer blocking clients;
* the session is opened and closed inside the test function, on the test's loop.

The package is imported only when a test requests a fixture, so that the start of other pytest runs
does not wait until aiohttp is imported.
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
"""The limits that `Emulator` and `aliocr.Limits` have under the same name."""

CALLS_SHOWN = 20
IMAGES_SHOWN = 5
LETTERS_SHOWN = 100
"""A failed test's report shows at most this many of the last calls, images of each call, and
characters of each URL."""

SESSION: pytest.StashKey[Session] = pytest.StashKey()
OURS: pytest.StashKey[bool] = pytest.StashKey()
"""True if the test's emulator comes from this plugin, which reads the marks."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, for `pytest --markers`."""
    config.addinivalue_line(
        "markers",
        "aliocr(**options): start `aliocr_emulator` with these arguments of "
        "aliocr.emulator.Emulator, such as requests_per_second=1000. Of marks on test, class and "
        "module the nearest wins, option by option.",
    )


@pytest.fixture
def aliocr_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """A running emulator of the image OCR service; each test has its own.

    During the test, ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and
    ALIOCR_ENDPOINT point to the emulator. So `aliocr.Session()` without arguments reaches the
    emulator, also in a program that the test starts. Other clients need its `url` and
    `credentials`.

    `@pytest.mark.aliocr(...)` takes the arguments of `aliocr.emulator.Emulator`. To share one
    emulator among tests, for example because its OCR engine takes seconds to load, define a fixture
    of this name with a wider scope: `with Emulator(RapidOCREngine) as emulator: yield emulator`.
    The environment is then set during each test that uses the fixture; the marks are not read.
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
    """An `aliocr.Session` with `aliocr_emulator`, open while an `async def` test runs.

    Other fixtures can pass the session on, but cannot scan with it: the session is open only inside
    the test function, on the event loop that pytest-asyncio or anyio runs. Its limits are the
    limits in `@pytest.mark.aliocr(...)`.
    """
    from unittest import TestCase

    # The session can be opened only in a test that another plugin awaits.
    why = None
    if isinstance(request.instance, TestCase):
        why = "aliocr_session cannot be open in a unittest.TestCase, which runs its tests itself."
    elif not inspect.iscoroutinefunction(request.function):
        why = "aliocr_session is for `async def` tests."
    if why is not None:
        pytest.fail(
            f"{why} Use aliocr_emulator here, and open aliocr.Session() where your loop runs; the "
            "session finds the emulator.",
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
    """Set the environment to the test's emulator, and run the test inside its session."""
    with ExitStack() as stack:
        emulator = _emulator_of(item)
        if emulator is not None and OURS not in item.stash:
            if next(item.iter_markers("aliocr"), None) is not None:
                pytest.fail(
                    "@pytest.mark.aliocr is for this plugin's aliocr_emulator; this test uses "
                    "another fixture of that name, which does not read the mark",
                    pytrace=False,
                )
            stack.enter_context(_environment(emulator))
        session = item.stash.get(SESSION, None)
        if session is not None and isinstance(item, pytest.Function):
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setattr(item, "obj", _with_session(session, item.obj))
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, Result[pytest.TestReport], None]:
    """Add the emulator's calls to the report of a failed test."""
    report = (yield).get_result()
    emulator = _emulator_of(item) if report.failed else None
    if emulator is not None:
        report.sections.append(("aliocr calls", _shown(emulator.calls)))


def _emulator_of(item: pytest.Item) -> Emulator | None:
    """Return the test's emulator; None if its fixture is missing or gives something else."""
    asked = getattr(item, "funcargs", None) or {}
    if "aliocr_emulator" not in asked:
        return None
    from aliocr.emulator import Emulator

    found = asked["aliocr_emulator"]
    return found if isinstance(found, Emulator) else None


@contextmanager
def _environment(emulator: Emulator) -> Iterator[None]:
    """Set the environment so that a session without arguments reaches this emulator."""
    from aliocr.arguments import ENDPOINT_VARIABLE
    from aliocr.credentials import ID_VARIABLE, SECRET_VARIABLE, TOKEN_VARIABLE

    key = emulator.credentials
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(ENDPOINT_VARIABLE, emulator.url)
        environment.setenv(ID_VARIABLE, key.access_key_id)
        environment.setenv(SECRET_VARIABLE, key.access_key_secret)
        # The developer may have set a token of a real account.
        environment.delenv(TOKEN_VARIABLE, raising=False)
        if key.security_token is not None:
            environment.setenv(TOKEN_VARIABLE, key.security_token)
        yield


def _options(node: pytest.Item) -> dict[str, Any]:
    """Return the arguments of the marks; the nearest mark wins."""
    from aliocr.emulator import Emulator

    known = inspect.signature(Emulator).parameters.keys()
    options: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers("aliocr"))):
        unknown = mark.kwargs.keys() - known
        if mark.args or unknown:
            what = ", ".join(sorted(unknown)) or "arguments without a name"
            pytest.fail(
                f"@pytest.mark.aliocr cannot take {what}; it takes the arguments of "
                "aliocr.emulator.Emulator, by name",
                pytrace=False,
            )
        options |= mark.kwargs
    # A copy, because accounts count their requests and many tests may share a mark.
    if "accounts" in options:
        options["accounts"] = copy.deepcopy(options["accounts"])
    return options


def _with_session(
    session: Session, test: Callable[..., Coroutine[Any, Any, Any]]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(test)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pytest.fail(
                "aliocr_session needs asyncio, but this test runs on another library. With anyio, "
                'let the fixture anyio_backend return "asyncio".',
                pytrace=False,
            )
        async with session:
            return await test(*args, **kwargs)

    return wrapped


def _shown(calls: list[Call]) -> str:
    """Return the last calls with their images; the queries of URLs are secret and left out."""
    from aliocr.emulator.http.log_line import LogLine, escaped
    from aliocr.protocol.wire import OK

    last = calls[-CALLS_SHOWN:]
    earlier = len(calls) - len(last)
    lines = [f"({earlier} earlier)"] if earlier else []
    for call in last:
        line = LogLine.of(call, seconds=0.0)
        lines.append(f"{line.request}: {line.answer}")
        images = sorted(call.images, key=lambda image: image.code == OK)  # failures first
        for image in images[:IMAGES_SHOWN]:
            code = "" if image.code is None else f"{image.code} "  # none if the request was refused
            lines.append(f"    {code}{escaped(image.url, LETTERS_SHOWN)}")
        if len(images) > IMAGES_SHOWN:
            lines.append(f"    {len(images) - IMAGES_SHOWN} more")
    return "\n".join(lines or ["none arrived"])
