"""The pytest plugin in projects of users: no conftest, no import of it, warnings are errors."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

from aliocr import pytest_plugin
from aliocr.emulator import Call
from aliocr.protocol.wire import Task

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

# hypothesis takes a second to load, looptime's plugin needs pytest-asyncio.
OTHERS = ("hypothesispytest", "looptime_plugin", "looptime_chronometers", "looptime_timeproxies")
ALONE = [word for name in ("cacheprovider", *OTHERS) for word in ("-p", f"no:{name}")]
FUNCTION = "asyncio_default_fixture_loop_scope=function"  # what pytest-asyncio warns without
STRICT = ("-o", "asyncio_mode=strict", "-o", FUNCTION)
AUTO = ("-o", "asyncio_mode=auto", "-o", FUNCTION)
NO_ASYNCIO = ("-p", "no:asyncio")


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs a project of one file: in this process, which is fast, or in another."""

    def run(source: str, *options: str, apart: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_of_a_user=source)
        start = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        return start("-W", "error", "--strict-markers", *ALONE, *options)

    return run


def _optional(module: str) -> None:
    pytest.importorskip(module, reason=f"{module} is not installed; the extra dev brings it")


# --- what it costs ------------------------------------------------------------------------------


def test_pytest_finds_the_plugin_by_itself() -> None:
    """It comes with aliocr; if this fails in a work tree, install the tree again."""
    (plugin,) = entry_points(group="pytest11", name="aliocr")
    assert plugin.value == "aliocr.pytest_plugin"


def test_a_project_that_does_not_use_it_pays_nothing() -> None:
    """The plugin loads with every pytest run, but the package does not."""
    heavy = ("aiohttp", "attrs", "asyncio", "msgspec", "PIL")
    code = (
        f"import pytest, sys; before = set(sys.modules); import aliocr.pytest_plugin; "
        f"print(*(set(sys.modules) - before) & set({heavy}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


# --- async tests --------------------------------------------------------------------------------

ASYNC_TESTS = """
    import asyncio
    import pytest
    from aliocr import Session

    {mark}
    URL = "https://example.com/a.png"

    async def test_the_session_is_open(aliocr_session, aliocr_emulator):
        aliocr_emulator.text(URL, "Total 64.50")
        assert (await aliocr_session.scan(URL)).text == "Total 64.50"
        assert len(aliocr_emulator.calls) == 1

    async def test_each_test_has_its_own(aliocr_session, aliocr_emulator):
        assert aliocr_emulator.calls == []
        assert (await aliocr_session.scan(URL)).text == f"text of {{URL}}"

    @pytest.mark.parametrize("number", [1, 2])
    class TestInAClass:
        async def test_with_a_parameter(self, aliocr_session, number):
            assert (await aliocr_session.scan(URL)).ok

    @pytest.fixture
    def application(aliocr_session):
        return {{"ocr": aliocr_session}}

    async def test_a_fixture_can_pass_it_on(application):
        assert (await application["ocr"].scan(URL)).ok

    async def test_code_that_opens_its_own_session(aliocr_emulator):
        async with Session() as ocr:
            assert (await ocr.scan(URL)).ok

    async def test_what_still_runs_in_the_end_is_ended(aliocr_session, aliocr_emulator):
        aliocr_emulator.hang()
        task = asyncio.create_task(aliocr_session.scan(URL))
        while not aliocr_emulator.calls:
            await asyncio.sleep(0.001)
        task.cancel()
"""


@pytest.mark.parametrize(
    "options",
    [
        STRICT,
        AUTO,
        (*STRICT, "-o", "asyncio_default_test_loop_scope=module"),
        (*AUTO, "-o", "asyncio_default_test_loop_scope=session"),
        (*AUTO, "-p", "no:anyio"),
    ],
    ids=["strict", "auto", "one-loop-a-module", "one-loop-for-all", "without-anyio"],
)
def test_the_session_is_open_under_pytest_asyncio(run: Run, options: tuple[str, ...]) -> None:
    """On the test's own loop; nothing is left when the test ends."""
    run(ASYNC_TESTS.format(mark="pytestmark = pytest.mark.asyncio"), *options).assert_outcomes(
        passed=7
    )


@pytest.mark.parametrize(
    "options",
    [NO_ASYNCIO, (*NO_ASYNCIO, "-o", "anyio_mode=auto"), STRICT, AUTO],
    ids=["alone", "alone-auto", "beside-asyncio-strict", "beside-asyncio-auto"],
)
def test_the_session_is_open_under_anyio(run: Run, options: tuple[str, ...]) -> None:
    """With or without pytest-asyncio."""
    _optional("anyio")
    mark = """pytestmark = pytest.mark.anyio

    @pytest.fixture(scope="module")
    def anyio_backend():
        return "asyncio"
    """
    run(ASYNC_TESTS.format(mark=mark), *options).assert_outcomes(passed=7)


def test_async_fixtures_can_pass_the_session_on(run: Run) -> None:
    """To an application that a fixture of pytest-asyncio starts and stops."""
    run(
        """
        import asyncio, pytest

        @pytest.fixture
        async def application(aliocr_session):
            await asyncio.sleep(0)
            yield {"ocr": aliocr_session}
            await asyncio.sleep(0)

        async def test_it(application):
            assert (await application["ocr"].scan("https://example.com/a.png")).ok
        """,
        *AUTO,
    ).assert_outcomes(passed=1)


# --- other tests --------------------------------------------------------------------------------


def test_blocking_code_and_other_programs_reach_the_emulator(run: Run) -> None:
    """It runs in its own thread, and the environment has its address; both end with the test."""
    run(
        """
        import asyncio, os, subprocess, sys, threading
        from aliocr import Session

        URL = "https://example.com/a.png"
        CODE = (
            "import asyncio, aliocr\\n"
            "async def main():\\n"
            "    async with aliocr.Session() as ocr:\\n"
            f"        print((await ocr.scan('{URL}')).text)\\n"
            "asyncio.run(main())"
        )
        STATE = {}

        def left():
            links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
            sockets = [link for link in links if os.path.lexists(link)
                       and os.readlink(link).startswith("socket:")]
            return (threading.active_count(), len(sockets), sorted(os.environ.items()))

        def kept():
            return [pair for pair in left()[2] if pair[0] != "PYTEST_CURRENT_TEST"]

        def test_before():
            STATE["before"] = left()[:2], kept()

        def test_asyncio_run(aliocr_emulator):
            async def main():
                async with Session() as ocr:
                    return await ocr.scan(URL)

            aliocr_emulator.text(URL, "Total 64.50")
            assert asyncio.run(main()).text == "Total 64.50"

        def test_another_program(aliocr_emulator, monkeypatch):
            monkeypatch.undo()
            aliocr_emulator.text(URL, "Total 64.50")
            done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
            assert done.stdout == "Total 64.50\\n", done.stderr

        def test_the_key(aliocr_emulator, aliocr_credentials):
            assert aliocr_credentials == aliocr_emulator.credentials
            assert os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] == aliocr_credentials.access_key_id
            assert "ALIBABA_CLOUD_SECURITY_TOKEN" not in os.environ

        def test_after():
            assert STATE["before"] == (left()[:2], kept())
        """,
        *NO_ASYNCIO,
        apart=True,
    ).assert_outcomes(passed=5)


def test_cases_of_unittest_can_use_it(run: Run) -> None:
    """Also tests with their own loop, by the environment."""
    run(
        """
        import unittest, pytest
        from aliocr import Session

        class Case(unittest.IsolatedAsyncioTestCase):
            @pytest.fixture(autouse=True)
            def on_the_emulator(self, aliocr_emulator):
                self.emulator = aliocr_emulator

            async def test_it(self):
                async with Session() as ocr:
                    assert (await ocr.scan("https://example.com/a.png")).ok
                assert len(self.emulator.calls) == 1
        """,
        *STRICT,
    ).assert_outcomes(passed=1)


def test_a_token_of_the_developer_is_not_sent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator's account has no token, unless the test sets one."""
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "of-a-real-account")
    run(
        """
        import pytest
        from aliocr import Credentials, Session

        async def test_none(aliocr_emulator):
            async with Session() as ocr:
                assert (await ocr.scan("https://example.com/a.png")).ok

        @pytest.mark.aliocr(credentials=Credentials("id", "secret", "token"))
        async def test_one(aliocr_emulator):
            async with Session() as ocr:
                assert (await ocr.scan("https://example.com/a.png")).ok
        """,
        *AUTO,
    ).assert_outcomes(passed=2)


# --- the mark, and a fixture of the user's ------------------------------------------------------


def test_the_mark_gives_the_emulator_its_options(run: Run) -> None:
    """The nearest mark wins, option by option, and the session gets the limits."""
    run(
        """
        import aliocr, pytest

        KEY = aliocr.Credentials("id", "secret")
        URLS = [f"https://example.com/{number}.png" for number in range(3)]
        pytestmark = pytest.mark.aliocr(requests_per_second=1, credentials=KEY)

        async def too_many():
            limits = aliocr.Limits(requests_per_second=1000)
            async with aliocr.Session(limits=limits, throttle_timeout=0.001) as ocr:
                for url in URLS:
                    await ocr.scan(url)

        async def test_of_the_module(aliocr_emulator, aliocr_credentials):
            assert aliocr_credentials == KEY
            with pytest.raises(aliocr.ThrottledError):
                await too_many()

        @pytest.mark.aliocr(requests_per_second=1000)
        class TestOfTheClass:
            async def test_of_the_class(self, aliocr_emulator, aliocr_credentials):
                assert aliocr_credentials == KEY
                await too_many()

            async def test_the_session_is_told(self, aliocr_session):
                for url in URLS:
                    await aliocr_session.scan(url)
                assert aliocr_session.stats.waited < 0.05

            @pytest.mark.aliocr(requests_per_second=None)
            async def test_of_its_own(self, aliocr_emulator):
                await too_many()
        """,
        *AUTO,
    ).assert_outcomes(passed=4)


def test_a_fixture_of_the_users_can_share_one_emulator(run: Run) -> None:
    """For example with an engine: the same name, a wider scope, and the session uses it."""
    run(
        """
        import pytest
        from aliocr.emulator import Emulator

        @pytest.fixture(scope="session")
        def aliocr_emulator():
            with Emulator() as emulator:
                yield emulator

        async def test_one(aliocr_session, aliocr_emulator):
            await aliocr_session.scan("https://example.com/a.png")
            assert len(aliocr_emulator.calls) == 1

        async def test_two(aliocr_session, aliocr_emulator):
            await aliocr_session.scan("https://example.com/a.png")
            assert len(aliocr_emulator.calls) == 2
        """,
        *AUTO,
    ).assert_outcomes(passed=2)


def test_a_mistake_is_explained(run: Run) -> None:
    """A sentence, not a traceback, for unknown options, tests without a loop, and unittest."""
    result = run(
        """
        import unittest, pytest

        @pytest.mark.aliocr(request_per_second=1)
        def test_a_slip(aliocr_emulator): ...

        @pytest.mark.aliocr(1)
        def test_no_name(aliocr_emulator): ...

        def test_no_loop(aliocr_session): ...

        class Case(unittest.IsolatedAsyncioTestCase):
            @pytest.fixture(autouse=True)
            def with_session(self, aliocr_session): ...
            async def test_of_unittest(self): ...
        """,
        *STRICT,
    )
    result.assert_outcomes(errors=4)
    says = result.stdout.str()
    assert "@pytest.mark.aliocr cannot take request_per_second; it takes" in says
    assert "@pytest.mark.aliocr cannot take arguments without a name; it takes" in says
    # At the start of a line, because the summary says it again where nothing cuts it, as on CI.
    for why in ("is for `async def` tests", "cannot be open in a unittest.TestCase"):
        assert len(re.findall(f"^aliocr_session {why}.*Use aliocr_emul", says, re.MULTILINE)) == 1
    assert "Error" not in re.sub(r"= ERRORS =|ERROR .*", "", says)


def test_on_trio_the_session_says_that_it_needs_asyncio(run: Run) -> None:
    """The test fails; a test that did not run would look like one that passed."""
    _optional("anyio")
    _optional("trio")
    result = run(
        """
        import pytest

        @pytest.mark.anyio
        async def test_it(aliocr_session):
            assert (await aliocr_session.scan("https://example.com/a.png")).ok
        """,
        *NO_ASYNCIO,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*_ test_it?trio? _*", "aliocr_session needs asyncio, *anyio_backend return*"]
    )


# --- what a failed test prints ------------------------------------------------------------------


def test_a_failed_test_shows_what_arrived(run: Run) -> None:
    """Each request with its reply, failures first; no secrets, no queries of URLs, not too much."""
    result = run(
        """
        import http.client
        from contextlib import closing
        import aliocr, pytest

        KEY = aliocr.Credentials("id", "the-secret-half")
        pytestmark = pytest.mark.aliocr(credentials=KEY, requests_per_second=1000)
        URLS = [f"https://example.com/{number}.png?Signature=s1gned" for number in range(9)]

        async def test_passes(aliocr_session):
            await aliocr_session.scan(URLS[0])

        async def test_images(aliocr_session, aliocr_emulator, aliocr_credentials):
            aliocr_emulator.fail(URLS[7], 404)
            await aliocr_session.scan_many(URLS)
            pytest.fail("images")

        async def test_requests(aliocr_session, aliocr_emulator):
            aliocr_emulator.delay(0)
            for _ in range(24):
                await aliocr_session.scan(URLS[0])
            aliocr_emulator.refuse("Forbidden.User")
            with pytest.raises(aliocr.AuthError):
                await aliocr_session.scan("https://example.com/" + "y" * 200)
            pytest.fail("requests")

        def test_others(aliocr_emulator):
            address = aliocr_emulator.url.removeprefix("http://")
            with closing(http.client.HTTPConnection(address)) as connection:
                connection.request("POST", "/%1b[2J?Signature=s1gned")
                connection.getresponse().read()
            pytest.fail("others")

        def test_nothing(aliocr_emulator):
            pytest.fail("nothing")

        def test_without():
            pytest.fail("without")
        """,
        *AUTO,
        "--showlocals",
    )
    result.assert_outcomes(passed=1, failed=5)
    sections = re.findall(r"-+ aliocr calls -+\n((?:(?![-_=]{3}).*\n)*)", result.stdout.str())
    assert len(sections) == 4
    images, requests, others, nothing = (section.splitlines() for section in sections)
    assert images == [
        "POST /green/image/scan: 200",
        "    404 https://example.com/7.png?…",
        *(f"    200 https://example.com/{number}.png?…" for number in range(4)),
        "    4 more",
    ]
    assert requests[0] == "(5 earlier)"
    assert requests[-2] == "POST /green/image/scan: 400 Forbidden.User"
    assert requests[-1] == f"    https://example.com/{'y' * 80}…"
    assert len(requests) == 1 + 2 * 20
    assert others == ["POST /%1b[2J: 404 InvalidApi.NotFound"]
    assert nothing == ["none arrived"]
    assert "the-secret-half" not in result.stdout.str()


def test_a_fixture_that_is_something_else_is_left_alone(run: Run) -> None:
    """A project may have a fixture of that name already."""
    result = run(
        """
        import pytest

        @pytest.fixture
        def aliocr_emulator():
            return ("127.0.0.1", 8787)

        def test_it(aliocr_emulator):
            pytest.fail("here")
        """,
        *STRICT,
    )
    result.assert_outcomes(failed=1)
    assert "aliocr calls" not in result.stdout.str()


def test_control_characters_of_a_request_do_not_reach_the_terminal() -> None:
    """A URL in a request may hold any characters."""
    call = Call(
        arrived=0.0,
        request_id="",
        method="POST",
        path="/",
        tasks=(Task(url="https://example.com/\x1b[2J\n\u202e?Signature=s1gned"),),
    )
    assert pytest_plugin._shown([call]) == (
        "POST /: not answered\n    https://example.com/\\x1b[2J\\n\\u202e?…"
    )


# --- beside others ------------------------------------------------------------------------------


def test_each_worker_of_xdist_has_its_own(run: Run) -> None:
    """Parallel tests do not share an emulator."""
    _optional("xdist")
    run(
        """
        import pytest

        @pytest.mark.parametrize("number", range(6))
        async def test_it(aliocr_session, aliocr_emulator, number):
            await aliocr_session.scan("https://example.com/a.png")
            assert len(aliocr_emulator.calls) == 1
        """,
        *AUTO,
        "-n",
        "2",
        apart=True,
    ).assert_outcomes(passed=6)


def test_pytest_explains_the_fixtures_and_the_mark(pytester: pytest.Pytester) -> None:
    """In `pytest --fixtures` and `pytest --markers`."""
    shown = pytester.runpytest_subprocess("--fixtures", *ALONE).stdout.str()
    for name in ("aliocr_emulator", "aliocr_credentials", "aliocr_session"):
        assert re.search(rf"^{name} -- .*pytest_plugin.py:\d+\n    \w+", shown, re.MULTILINE)
    marks = pytester.runpytest_subprocess("--markers", *ALONE).stdout.str()
    assert "@pytest.mark.aliocr(**options): start `aliocr_emulator` with" in marks


def test_it_can_be_kept_away(pytester: pytest.Pytester) -> None:
    """By `-p no:aliocr`, for projects with fixtures of these names."""
    shown = pytester.runpytest_subprocess("--fixtures", "-p", "no:aliocr", *ALONE).stdout.str()
    assert "aliocr_emulator" not in shown
