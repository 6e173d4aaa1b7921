"""`aliocr emulate` as a person, a script and a process manager meet it: as a process."""

import http.client
import re
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from aliocr import Credentials
from tests.support.program import (
    PATIENCE,
    EmulatorProcess,
    call,
    emulating,
    in_a_shell,
    on_a_terminal,
    run,
)

pytest.importorskip("click")
pytest.importorskip("rich")

URLS = [f"https://example.com/{number}.png" for number in range(3)]
LINE = re.compile(r"\d\d:\d\d:\d\d (.*) · \d+ ms")
KEY = ("--access-key-id", "LTAIfixed", "--access-key-secret", "known-to-both")

ACCOUNTS = """
[[accounts]]
uid = "1000000000000001"
[[accounts.keys]]
access_key_id = "LTAIone"
access_key_secret = "first-secret"
[[accounts.keys]]
access_key_id = "LTAIspare"
access_key_secret = "spare-secret"

[[accounts]]
uid = "1000000000000002"
state = "overdue"
[[accounts.keys]]
access_key_id = "STS.two"
access_key_secret = "second-secret"
security_token = "second-token"
"""


def _logged(emulator: EmulatorProcess) -> str:
    """The next line of the log, without its times."""
    line = emulator.logged()
    found = LINE.fullmatch(line)
    assert found, line
    return found[1]


# --- what it says first


def test_the_banner_is_all_one_needs() -> None:
    """A page, a control API that answers, and lines that a shell can run as they are."""
    with emulating() as emulator:
        endpoint = emulator.exports["ALIOCR_ENDPOINT"]
        assert f"#   page     {endpoint}/" in emulator.banner
        assert f"#   control  {endpoint}/_emulator/" in emulator.banner
        assert all(line.startswith(("#", "export ")) for line in emulator.banner)
        assert len(emulator.banner) == 6
        assert emulator.ask("GET", "/", Accept="text/html")[0] == 200
        assert emulator.ask("GET", "/_emulator/health") == (200, {"ok": True})
        assert "delay" in emulator.ask("GET", "/_emulator/")[1]["script"]
        status, answer = emulator.scan(URLS)
        assert (status, answer["code"]) == (200, 200)


def test_a_key_can_be_given_and_its_secret_is_not_printed() -> None:
    """A script that knows its key need not read ours; what was given is never repeated."""
    with emulating(*KEY) as emulator:
        assert emulator.exports["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "LTAIfixed"
        assert emulator.banner[-1] == "# ALIBABA_CLOUD_ACCESS_KEY_SECRET: as given"
        assert len(emulator.banner) == 6
        assert emulator.scan(URLS, Credentials("LTAIfixed", "known-to-both"))[1]["code"] == 200
        emulator.process.terminate()
        code, said = emulator.end()
        assert code == 0
        assert "known-to-both" not in said + "".join(emulator.banner)


def test_the_environments_key_is_left_alone() -> None:
    """It may be a real one: another is made up, and a token that fits no longer is unset."""
    real = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIreal",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "real",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "token",
    }
    with emulating(**real) as emulator:
        assert emulator.exports["ALIBABA_CLOUD_ACCESS_KEY_ID"] != "LTAIreal"
        assert emulator.exports["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] != "real"
        assert emulator.process.stdout is not None
        assert emulator.process.stdout.readline() == "unset ALIBABA_CLOUD_SECURITY_TOKEN\n"


def test_others_may_come_only_after_a_warning() -> None:
    """Other machines could make it fetch URLs; on this machine alone there is no warning."""
    with emulating("--host", "0.0.0.0") as emulator:
        warning = emulator.logged()
        assert warning.startswith("warning: other machines can reach this port")
        assert "fetch" not in warning  # without an engine it fetches nothing
        assert emulator.address.startswith("127.0.0.1:")
        assert emulator.ask("GET", "/_emulator/health")[0] == 200
    for host in ("127.0.0.1", "localhost"):
        with emulating("--host", host) as emulator:
            emulator.process.terminate()
            assert emulator.end() == (0, "")


def test_accounts_come_from_a_file(tmp_path: Path) -> None:
    """Each has its keys and its state, the log says whose a request was, and no secret is said."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    with emulating("--accounts", tmp_path / "accounts.toml") as emulator:
        assert emulator.banner[3:5] == (
            "#   account  1000000000000001: LTAIone, LTAIspare",
            "#   account  1000000000000002: STS.two, overdue",
        )
        assert emulator.exports["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "LTAIone"
        assert emulator.banner[-1].endswith(f": as in {tmp_path}/accounts.toml")
        assert emulator.scan(URLS, Credentials("LTAIspare", "spare-secret"))[1]["code"] == 200
        overdue = Credentials("STS.two", "second-secret", "second-token")
        assert emulator.scan(URLS, overdue)[1]["code"] == 596
        emulator.scan(URLS, Credentials("LTAInobody", "x"))
        assert "scan 200 · account 1000000000000001 · 3 images: 200" in _logged(emulator)
        assert "scan 200 code 596 · account 1000000000000002 · 3 images" in _logged(emulator)
        assert _logged(emulator).endswith("404 InvalidAccessKeyId.NotFound · no account")
        emulator.process.terminate()
        assert emulator.process.stdout is not None
        assert emulator.end() == (0, "")
        assert "secret" not in "".join(emulator.banner[:-1]) + emulator.process.stdout.read()


def test_the_key_to_use_is_one_that_can_be_used(tmp_path: Path) -> None:
    """Not the first of the file if that is refused; if all are, it says so."""
    file = tmp_path / "accounts.toml"
    closed = ACCOUNTS.replace('id = "LTAIone"', 'id = "LTAIone"\nactive = false').replace(
        'token = "second-token"', 'token = "second-token"\nexpired = true'
    )
    file.write_text(closed)
    with emulating("--accounts", file) as emulator:
        assert emulator.exports["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "LTAIspare"
        assert emulator.banner[3].endswith(": LTAIone (inactive), LTAIspare")
        assert emulator.banner[4].endswith(": STS.two (expired), overdue")
        assert emulator.scan(URLS, Credentials("LTAIspare", "spare-secret"))[1]["code"] == 200
    file.write_text(closed.replace("000001", '000001"\nstate = "banned'))
    with emulating("--accounts", file) as emulator:
        assert emulator.exports["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "LTAIone"
        assert "# no key may use the service" in "\n".join(emulator.banner)


@pytest.mark.engine
def test_others_can_be_kept_from_what_only_this_machine_reaches() -> None:
    """The warning says what to do; then an image at a private address is 401, unasked for."""
    pytest.importorskip("rapidocr")
    everywhere = ("--engine", "rapidocr", "--host", "0.0.0.0")
    with emulating(*everywhere) as emulator:
        assert "--public-only prevents this" in emulator.logged()
    with (
        emulating(*everywhere, "--public-only") as emulator,
        closing(socket.create_server(("127.0.0.1", 0))) as private,
    ):
        assert "fetch" not in emulator.logged()
        answer = emulator.scan([f"http://127.0.0.1:{private.getsockname()[1]}/a.png"])[1]
        assert answer["data"][0]["code"] == 401
        private.settimeout(0)
        with pytest.raises(BlockingIOError):
            private.accept()


# --- what it does


def test_the_account_has_the_quotas_it_is_told() -> None:
    """Of two images in one request the second is one too many; of two requests the second is."""
    options = ("--images-per-second", "1", "--images-in-flight", "5")
    with emulating(*options, "--requests-per-second", "1", "--window", "bucket") as emulator:
        _, first = emulator.scan(URLS[:2])
        _, second = emulator.scan(URLS[:2])
    assert [answer["code"] for answer in first["data"]] == [200, 588]
    assert second["Code"] == "Throttling.User"


def test_chaos_is_told_apart_by_option() -> None:
    """503 of a request is not 503 of an image; the same seed makes the same faults."""
    with emulating("--chaos-requests", "503=1") as emulator:
        assert emulator.scan(URLS)[1]["code"] == 503
    heard = []
    for _ in range(2):
        with emulating("--chaos-images", "503=0.5", "--chaos-seed", "3") as emulator:
            status, answer = emulator.scan([f"{URLS[0]}?{n}" for n in range(40)])
        assert (status, answer["code"]) == (200, 200)
        heard.append([image["code"] for image in answer["data"]])
    assert set(heard[0]) == {200, 503}
    assert heard[0] == heard[1]


def test_an_account_can_be_as_a_new_one_is() -> None:
    """It never has a request of a hundred images read whole: 588 for all but ten."""
    with emulating("--new-account") as emulator:
        (account,) = emulator.ask("GET", "/_emulator/status")[1]["accounts"]
        _, answer = emulator.scan([f"{URLS[0]}?{n}" for n in range(100)])
    assert (account["images_per_second"], account["images_in_flight"]) == (10, 50)
    codes = [image["code"] for image in answer["data"]]
    assert (codes.count(200), codes.count(588)) == (10, 90)


@pytest.mark.parametrize(
    ("options", "reigns"),
    [
        ((), False),
        (("--chaos-images", "592=0", "--chaos-delay", "0"), False),
        (("--chaos-images", "592=0.5"), True),
        (("--chaos-requests", "hang=0.5"), True),
        (("--chaos-delay", "0.5"), True),
    ],
)
def test_the_status_says_whether_chaos_reigns(options: tuple[str, ...], reigns: bool) -> None:
    """Without chaos options there is none, and no other instruction."""
    with emulating(*options) as emulator:
        status = emulator.ask("GET", "/_emulator/status")[1]
    assert (status["chaos"], status["instructions"]) == (reigns, 0)


def test_a_long_run_remembers_the_last_calls_only() -> None:
    """So that it does not grow."""
    with emulating("--max-calls", "2") as emulator:
        for number in range(5):
            emulator.ask("POST", f"/{number}")
        told = emulator.ask("GET", "/_emulator/calls")[1]["calls"]
        assert [call["path"] for call in told] == ["/3", "/4"]


# --- the log


def test_each_request_is_a_line_through_a_pipe() -> None:
    """Plain, at once, with what became of the images; neither the page nor the API is in it."""
    with emulating("--chaos-images", "592=0.5", "--chaos-seed", "1") as emulator:
        emulator.scan(URLS[:1])
        emulator.ask("GET", "/_emulator/health")
        emulator.scan([f"https://example.com/{number}.png" for number in range(100)])
        emulator.scan(URLS, Credentials("LTAInobody", "x"))
        assert _logged(emulator).startswith("POST /green/image/scan 200 · 1 image: ")
        line = _logged(emulator)
        found = re.fullmatch(
            r"POST /green/image/scan 200 · 100 images: (\d+) × 200, (\d+) × 592 · (\d+) charged",
            line,
        )
        assert found, line
        assert int(found[1]) + int(found[2]) == 100
        assert found[1] == found[3]
        assert _logged(emulator) == "POST /green/image/scan 404 InvalidAccessKeyId.NotFound"


def test_the_log_says_what_happens_on_the_way() -> None:
    """A connection that is closed, and an answer that a client did not wait for."""
    with emulating() as emulator:
        emulator.ask("POST", "/_emulator/script/drop_connection")
        with pytest.raises(http.client.RemoteDisconnected):
            emulator.scan(URLS[:1])
        assert _logged(emulator).endswith("connection closed · 1 image: 200 · 1 charged")
        emulator.ask("POST", "/_emulator/script/refuse", b'{"code": 588}')
        emulator.scan(URLS[:1])
        assert _logged(emulator).endswith("200 code 588 · 1 image · 0 charged")
        _begin(emulator).close()
        assert _logged(emulator) == "POST /green/image/scan not answered"


def test_the_log_steers_no_terminal_and_shows_no_query() -> None:
    """A path is anybody's to choose."""
    with emulating() as emulator:
        emulator.ask("POST", "/a?Signature=key")
        assert _logged(emulator) == "POST /a 404 InvalidApi.NotFound"
        emulator.ask("POST", f"/{'x' * 3000}?Signature=key")
        assert len(_logged(emulator)) < 200
        for path in (b"/\x1b[31m?Signature=key", b"/\xc2\x9b31m", b"/%1b[31m", "/\u202eb".encode()):
            with emulator.connect() as client:
                client.sendall(
                    b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                )
                while client.recv(4096):
                    pass
            line = emulator.logged()
            assert "40" in line
            assert line.isprintable()
            assert "Signature" not in line


def test_quiet_logs_no_requests() -> None:
    """Nor what is no request."""
    with emulating("--quiet") as emulator:
        emulator.scan(URLS)
        emulator.send(b"no HTTP\r\n\r\n")
        emulator.process.terminate()
        assert emulator.end() == (0, "")


def test_a_log_that_nobody_reads_holds_nothing_up() -> None:
    """A pipe that is never read does not stop the emulator."""
    fcntl = pytest.importorskip("fcntl")
    with emulating() as emulator:
        assert emulator.process.stderr is not None
        if not hasattr(fcntl, "F_SETPIPE_SZ"):
            pytest.skip("pipes of a chosen size are Linux's")
        fcntl.fcntl(emulator.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        for number in range(50):
            assert emulator.ask("POST", f"/{number}")[0] == 404
        assert _logged(emulator).startswith("POST /0 ")
        emulator.ask("POST", "/more")
        assert emulator.logged() == "… 49 lines dropped"
        assert _logged(emulator).startswith("POST /more ")
        emulator.process.terminate()
        assert emulator.end() == (0, "")


def test_a_log_whose_reader_is_gone_is_no_error() -> None:
    """It goes on serving, and ends as ever."""
    with emulating() as emulator:
        assert emulator.process.stderr is not None
        emulator.process.stderr.close()
        for number in range(3):
            assert emulator.ask("POST", f"/{number}")[0] == 404
        emulator.process.terminate()
        assert emulator.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_closed_streams_are_no_error(closed: str) -> None:
    """As daemons are started by some."""
    with emulating(redirected=closed) as emulator:
        assert emulator.scan(URLS)[0] == 200
        emulator.process.terminate()
        assert emulator.process.wait(PATIENCE) == 0


# --- the end


def _begin(emulator: EmulatorProcess) -> socket.socket:
    """A client whose request is under way: the rest of its body is still to come."""
    client = emulator.connect()
    client.sendall(b"POST /green/image/scan HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
    while _under_way(emulator) == 0:
        pass
    return client


def _under_way(emulator: EmulatorProcess) -> int:
    """Return the number of requests that have no reply yet."""
    calls = emulator.ask("GET", "/_emulator/calls")[1]["calls"]
    return sum(call["status"] is None for call in calls)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_when_told(number: signal.Signals) -> None:
    """By a supervisor or by Ctrl-C, with nothing to say about it, and its port free again."""
    with emulating() as emulator:
        emulator.process.send_signal(number)
        assert emulator.end() == (0, "")
        with pytest.raises(ConnectionRefusedError):
            emulator.ask("GET", "/")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_finishes_what_is_under_way(number: signal.Signals) -> None:
    """It takes no new connections, says what it waits for, answers, and ends with 0."""
    with emulating() as emulator, closing(_begin(emulator)) as client:
        emulator.process.send_signal(number)
        assert emulator.logged() == "finishing 1 request; press Ctrl-C again to stop immediately"
        with pytest.raises(ConnectionError):
            emulator.ask("GET", "/")
        client.sendall(b"}")
        answer = client.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 ")
        assert client.recv(1) == b""
        assert emulator.end()[0] == 0


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("second", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_it_at_once(
    first: signal.Signals, second: signal.Signals, code: int
) -> None:
    """Whatever is under way, with the exit code of the signal."""
    with emulating() as emulator, closing(_begin(emulator)) as client:
        emulator.process.send_signal(first)
        assert emulator.logged().startswith("finishing 1 request;")
        emulator.process.send_signal(second)
        assert emulator.end() == (code, "")
        assert client.recv(1) == b""


def test_what_never_ends_is_cut_off() -> None:
    """A little after the deadline that every request has."""
    with emulating("--deadline", "0.3") as emulator, closing(_begin(emulator)) as client:
        emulator.process.terminate()
        assert emulator.logged().startswith("finishing 1 request;")
        assert _logged(emulator) == "POST /green/image/scan not answered"
        assert emulator.end() == (0, "1 request cut off after 1.3 s\n")
        assert client.recv(1) == b""


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_while_it_starts_ends_it_quietly(tmp_path: Path, number: str, code: int) -> None:
    """While it imports, and while it loads the engine."""
    pause = f"import os, signal, time\nos.kill(os.getpid(), signal.{number})\ntime.sleep(9)\n"
    for module in ("rich", "onnxruntime"):
        (tmp_path / module).mkdir()
        (tmp_path / module / f"{module}.py").write_text(pause)
        done = in_a_shell("aliocr emulate", {"PYTHONPATH": str(tmp_path / module)})
        assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_what_a_person_sees() -> None:
    """Colours, and of a Ctrl-C nothing but that it worked."""
    seen = on_a_terminal("emulate", "--engine", "none", press=("SECRET=", b"\x03"))
    assert seen.code == 0
    assert "^C" in seen.output
    assert seen.screen.splitlines()[-1] == "stopped"


# --- wrong use


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--deadline", "0.1"], "deadline must be above"),
        (["--port", "99999"], "port"),
        (["--requests-per-second", "-1"], "-1 is not a finite number"),
        (["--deadline", "nan"], "'--deadline': nan is not a finite number"),
        (["--images-per-second", "inf"], "inf is not a finite number"),
        (["--images-in-flight", "-1"], "--images-in-flight"),
        (["--window", "round"], "--window"),
        (["--max-calls", "0"], "--max-calls"),
        (["--host", ""], "'--host': must not be empty"),
        (["--access-key-id", "a"], "--access-key-secret must be used together"),
        (["--access-key-secret", "a"], "--access-key-secret must be used together"),
        (["--access-key-id", "a b", "--access-key-secret", "c"], "access_key_id holds a space"),
        (["--accounts", "nothing.toml", "--window", "fixed"], "leave out --window"),
        (["--accounts", "nothing.toml", "--new-account"], "leave out --new-account"),
        (["--new-account", "--images-per-second", "10"], "leave out --images-per-second"),
        (["--new-account", "--images-in-flight", "0"], "leave out --images-in-flight"),
        (["--accounts", "nothing.toml", *KEY], "out --access-key-id and --access-key-secret"),
        (["--accounts", "nothing.toml"], "Error: nothing.toml: No such file"),
        (["--chaos-requests", "hang"], "'--chaos-requests': 'hang' has no rate"),
        (["--chaos-requests", "hang=often"], "'often' is not a rate; an example is 503=0.05"),
        (["--chaos-requests", "sleep=0.1"], "'sleep' is not a fault of a request: drop_connection"),
        (["--chaos-requests", "hang=0.6", "--chaos-requests", "stall=0.6"], "add up to 1.2"),
        (["--chaos-requests", "hang=0.1", "--chaos-requests", "hang=0.2"], "hang is given twice"),
        (["--chaos-images", "hang=0.1"], "'--chaos-images': 'hang' is not a code"),
        (["--chaos-images", "592=2"], "the rate of 592 must be from 0 to 1, not 2.0"),
        (["--chaos-images", "=1"], "'' is not a code"),
        (["--chaos-images", "592=nan"], "the rate of 592 must be from 0 to 1, not nan"),
        (["--chaos-delay", "-1"], "'--chaos-delay': delay must be a number of seconds"),
        (["--chaos-seed", "x"], "--chaos-seed"),
    ],
)
def test_misuse_is_a_sentence_and_exit_2(arguments: list[str], says: str) -> None:
    """It names the option and the value; nothing was served."""
    done = call("emulate", "--engine", "none", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_a_bad_accounts_file_is_a_line_without_its_secrets(tmp_path: Path) -> None:
    """It says what is wrong, and where."""
    file = tmp_path / "accounts.toml"
    for content, says in (
        (ACCOUNTS.replace("overdue", "poor"), "poor"),
        (ACCOUNTS.replace("LTAIspare", "LTAIone"), "two keys have the id LTAIone"),
        (ACCOUNTS.replace('"first-secret"', "first-secret"), "is not TOML"),
        (ACCOUNTS.replace("first-secret", "first secret"), "access_key_secret holds a space"),
        ("", "accounts"),
    ):
        file.write_text(content)
        done = call("emulate", "--engine", "none", "--accounts", file)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"Error: {file}: ")
        assert says in done.stderr
        assert "first" not in done.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a..b", "x" * 70])
def test_a_host_of_others_says_so(host: str) -> None:
    """One line, whatever is wrong with it."""
    done = run("emulate", "--engine", "none", "--host", host)
    said = f"Error: {host} is not an address of this machine; use another --host\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_a_taken_port_says_so() -> None:
    """With what to do about it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        done = run("emulate", "--engine", "none", "--port", port)
    said = f"Error: port {port} is taken; use another --port\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_a_missing_extra_says_how_to_get_it(tmp_path: Path) -> None:
    """One line, before anything is served."""
    (tmp_path / "onnxruntime.py").write_text("raise ModuleNotFoundError(name='onnxruntime')\n")
    done = run("emulate", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'aliocr[emulator]'" in done.stderr
    assert done.stderr.count("\n") == 1
