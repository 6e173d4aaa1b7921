"""Keys of the command line: a profile, or one line that says where none was found."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.program import call, run

pytest.importorskip("click")
pytest.importorskip("alibabacloud_credentials")

URL = "https://example.com/a.png"


@pytest.fixture
def home(tmp_path: Path, served: Mapping[str, str]) -> dict[str, str]:
    """The variables of a machine on which a profile has the key, and the current one a bad one."""
    good = {
        "name": "ocr",
        "mode": "AK",
        "access_key_id": served["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        "access_key_secret": served["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
    }
    bad = good | {"name": "other", "access_key_id": "LTAIother"}
    (tmp_path / ".aliyun").mkdir()
    config = tmp_path / ".aliyun" / "config.json"
    config.write_text(json.dumps({"current": "other", "profiles": [good, bad]}))
    return {
        "HOME": str(tmp_path),
        "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "false",
        "ALIOCR_ENDPOINT": served["ALIOCR_ENDPOINT"],
    }


def test_a_profile_is_chosen_by_its_name(home: dict[str, str], tmp_path: Path) -> None:
    """For one picture and for a job; the current profile needs no name."""
    done = run("scan", "--profile", "ocr", "--json", URL, **home)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["source"] == URL
    done = run("scan", URL, **home)
    assert done.returncode == 1
    assert "InvalidAccessKeyId.NotFound" in done.stderr
    done = run("scan", URL, ALIBABA_CLOUD_PROFILE="ocr", **home)
    assert done.returncode == 0
    urls, output = tmp_path / "urls.txt", tmp_path / "out.jsonl"
    urls.write_text(f"{URL}\n")
    done = run("run", urls, "-o", output, "--profile", "ocr", **home)
    assert done.returncode == 0
    assert URL in output.read_text()


@pytest.mark.parametrize("command", ["scan", "draw", "run"])
def test_a_key_that_is_nowhere_is_one_line_and_exit_2(command: str, tmp_path: Path) -> None:
    """It names each place that was asked; nothing was sent or written."""
    source = tmp_path / "urls.txt"
    source.write_text(f"{URL}\n")
    output = tmp_path / "out.jsonl"
    given = [source, "-o", output] if command == "run" else [URL]
    done = call(command, *given)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: no credentials found: environment: set ALIBABA_CLOUD_ACCESS_KEY")
    for place in ("OIDC", "~/.aliyun/config.json", "credentials.ini", "URI", "metadata service"):
        assert f"; {place}: " in line
    assert line.endswith("; --local needs no account")
    assert not output.exists()
    done = call(command, "--profile", "nobody", *given)
    assert done.returncode == 2
    assert "no credentials found: ~/.aliyun/config.json: " in done.stderr
    assert "metadata" not in done.stderr


def test_the_missing_extra_is_named(tmp_path: Path) -> None:
    """Where it would help, beside the variables; a key in the environment does without."""
    (tmp_path / "alibabacloud_credentials.py").write_text("raise ImportError\n")
    done = run("scan", "--profile", "ocr", URL, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "pip install 'aliocr[credentials]'" in done.stderr
    done = run("scan", URL, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET" in done.stderr
    assert "pip install 'aliocr[credentials]'" in done.stderr


def test_a_profile_is_of_no_use_on_this_machine() -> None:
    """`--local` needs no key."""
    done = call("scan", "--local", "--profile", "ocr", URL)
    assert done.returncode == 2
    assert "leave out --profile" in done.stderr
