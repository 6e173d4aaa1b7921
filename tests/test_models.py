"""What a user may hand in, what is refused before anything is sent, and what comes back."""

import copy
import inspect
import pickle
from pathlib import Path

import attrs
import pytest

import aliocr
from aliocr import (
    Credentials,
    DrawnFrame,
    Failure,
    Frame,
    Image,
    Limits,
    Line,
    Match,
    OCRError,
    Plan,
    Progress,
    Read,
    Region,
    Retry,
    Scan,
    Stats,
    Summary,
    Unread,
    Urls,
)
from aliocr.job.input.rows import BadRow
from aliocr.job.summary import Failed
from aliocr.models import with_lazy_regions


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://example.com/a.png", "must start with http"),
        ("a.png", "must start with http"),
        ("", "must start with http"),
        ("oss://bucket", "must start with http"),
        ("oss:///a.png", "must start with http"),
        ("oss://bucket/a b.png", "must start with http"),
        ("https://", "names no host"),
        ("https:///a.png", "names no host"),
        ("https://example.com/a\nb.png", "cannot be printed"),
        ("https://example.com/a\x85b.png", "cannot be printed"),
        ("https://exa mple.com/a.png", "a blank in its host"),
        ("https://exa\u00a0mple.com/ä.png", "in its host"),
        ("https://ü..example.com/a.png", "cannot be read"),
        ("https://" + "ü" * 70 + ".example.com/a.png", "cannot be read"),
        ("https://example.com/" + "图" * 300, "2720 characters when sent"),
        ("https://example.com/\udcff.png", "cannot be printed"),
        ("https://example.com\\@host/a.png", "names no host"),
        ("https://example.com:0/a.png", "port 0"),
        ("http://[::1/a.png", "cannot be read"),
        ("http://example.com:99999/a.png", "cannot be read"),
        ("https://example.com/" + "a" * 2029, "2049 characters"),
        (None, "must be a string"),
        (b"https://example.com/a.png", "must be a string"),
    ],
)
def test_a_url_the_service_would_refuse_is_refused_here(url: object, says: str) -> None:
    """The message names the field, the value and what is expected."""
    with pytest.raises(ValueError, match="url") as caught:
        Image.of(url)
    assert says in str(caught.value)


def test_a_url_of_exactly_2048_characters_is_taken() -> None:
    """The documented limit itself is inside."""
    url = "HTTPS://example.com/" + "a" * 2028
    assert len(Image(url).url) == 2048


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"interval": 2}, "interval=2 with max_frames=None"),
        ({"max_frames": 2}, "interval=None with max_frames=2"),
        (
            {"interval": 0, "max_frames": 1},
            "interval must be a whole number from 1 to 1,000,000, not 0",
        ),
        (
            {"interval": 1, "max_frames": -3},
            "max_frames must be a whole number from 1 to 1,000,000",
        ),
        ({"interval": 1, "max_frames": 2**63}, "max_frames must be a whole number from 1 to"),
        ({"interval": 1.5, "max_frames": 1}, "not 1.5"),
        ({"interval": True, "max_frames": 1}, "not True"),
        ({"data_id": ""}, "data_id must be a string of 1 to 256 characters, not ''"),
        ({"data_id": "x" * 257}, "data_id must be"),
        ({"data_id": 7}, "not 7"),
    ],
)
def test_an_option_the_service_would_refuse_is_refused_here(
    options: dict[str, int], says: str
) -> None:
    """Frames come in pairs and from 1 up; a data id is a non-empty string."""
    with pytest.raises(ValueError, match=r".") as caught:
        Image("https://example.com/a.png", **options)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_the_query_of_a_url_is_in_no_repr_and_no_message() -> None:
    """The query of a signed URL is a key to the image."""
    image = Image("https://me:geheim@example.com/a.png?Signature=geheim")
    shown = [repr(image), repr(Scan(image, "text")), repr(Failure(image, OCRError("no")))]
    with pytest.raises(ValueError, match="url") as caught:
        Image("https://example.com/ä\nb.png?Signature=geheim")
    assert not any("geheim" in text for text in [*shown, str(caught.value)])
    assert "https://…@example.com/a.png?…" in repr(image)


def test_an_outcome_says_whether_it_is_one() -> None:
    """`ok` tells the two apart, and a policy's wish for a person is a claim of its own."""
    image = Image("https://example.com/a.png")
    scan = Scan(image, "hello", suggestion="review")
    assert scan.ok
    assert scan.needs_review
    assert not Scan(image, "").needs_review
    failure = Failure(image, OCRError("no", request_id="id"))
    assert not failure.ok
    assert (failure.needs_review, failure.request_id) == (True, "id")


REGIONS = (Region("Total", 1, 2, 30, 4), Region("64.50", 40, 2, 30, 4))
IMAGE = Image("https://example.com/a.png")


def test_an_outcome_is_printed_as_its_text() -> None:
    """A failure as its reason; a row of an output like an outcome; no reason in place of a text."""
    assert str(Scan(IMAGE, "Total\n64.50", REGIONS)) == "Total\n64.50"
    assert str(Scan(IMAGE, "", frames=(Frame("one"), Frame("two")))) == "one\ntwo"
    assert str(Frame("one")) == "one"
    assert str(Scan(IMAGE, "")) == ""
    assert str(Failure(IMAGE, OCRError("no", request_id="id"))) == "no (request id id)"
    assert str(Read(row=1, source="a", text="Total")) == "Total"
    assert str(Unread(row=1, source="a", kind="BadRow", error="no")) == "no"


def test_lines_are_strings() -> None:
    """They are joined, compared, searched and printed as strings, and know their regions."""
    lines = Scan(IMAGE, "", REGIONS).lines
    assert "\n".join(lines) == "Total 64.50"
    assert lines == ("Total 64.50",)
    assert "64.50" in lines[0]
    assert f"{lines[0]}|{lines[0].upper()}" == "Total 64.50|TOTAL 64.50"
    assert (type(str(lines[0])), type(lines[0].text)) == (str, str)
    assert lines[0].regions == REGIONS
    with pytest.raises(AttributeError):
        lines[0].regions = ()  # type: ignore[misc]


def _lazy() -> Scan:
    return with_lazy_regions(Scan(IMAGE, "Total 64.50"), lambda: REGIONS)


VALUES: list[object] = [
    Credentials("id", "geheim", "geheim"),
    DrawnFrame(0, 1, 2, 0.5),
    Failure(IMAGE, aliocr.APIError(592, "slow", request_id="id")),
    Frame("Total", REGIONS, "https://example.com/f.png", 99.5),
    Image("https://example.com/a.gif", "id", 1, 2),
    Limits(images_per_second=50),
    Line("Total 64.50", REGIONS),
    Match(Scan(IMAGE, "Total", REGIONS), 0, (Line("Total 64.50", REGIONS),), 0, 5),
    Plan(
        taken="url",
        rows=2,
        done=0,
        bad=1,
        bad_rows=(BadRow(2, "a", "is no URL", None, 3),),
        images=1,
        duplicates=0,
        requests=1,
        seconds=0.0,
        charged_most=1,
        refused=False,
    ),
    Progress(
        read=1,
        failed={"592": 1},
        rows=2,
        total=None,
        exact=False,
        charged=1,
        charged_at_most=2,
        budget=9,
        seconds=1.5,
        stats=Stats(requests=1, outcomes={"Scan": 1}),
    ),
    Read(row=1, source="a", text="Total", regions=REGIONS, frames=(Frame("Total", REGIONS),)),
    REGIONS[0],
    Retry(frozenset({"592"})),
    Scan(IMAGE, "Total", REGIONS, (Frame("Total", REGIONS),), "ocr", "review", 99.9, "id", "id"),
    Stats(requests=1, outcomes={"Scan": 1}),
    Summary(
        read=1,
        failed=(Failed("DownloadError", 592, 1),),
        rows=2,
        charged=1,
        charged_at_most=2,
        duplicates=0,
        ended="complete",
        output=Path("results.jsonl"),
        seconds=1.5,
    ),
    Unread(row=1, source="a", kind="DownloadError", code=592, error="slow", transient=True),
    Urls(1, 2),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives_copies_and_other_processes(value: object) -> None:
    """`pickle` of any protocol, `copy` and `deepcopy`: for a process pool, or a cache."""
    copies = [copy.copy(value), copy.deepcopy(value)]
    copies += [
        pickle.loads(pickle.dumps(value, protocol))  # noqa: S301 - pickled here
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]
    for other in copies:
        assert type(other) is type(value)
        assert repr(other) == repr(value)
        assert getattr(other, "regions", ()) == getattr(value, "regions", ())
        if not isinstance(value, Failure):  # an error equals itself alone
            assert other == value


def test_regions_that_were_not_decoded_survive_copies() -> None:
    """They are decoded for the copy."""
    for other in (copy.copy(_lazy()), copy.deepcopy(_lazy()), pickle.loads(pickle.dumps(_lazy()))):  # noqa: S301
        assert other == _lazy()


def test_every_public_value_was_tried() -> None:
    """A drawing holds a picture, and is tried where there is one."""
    values = {
        name
        for name in aliocr.__all__
        if inspect.isclass(value := getattr(aliocr, name)) and (attrs.has(value) or value is Line)
    }
    assert {type(value).__name__ for value in VALUES} == values - {"Drawing"}


@pytest.mark.parametrize(
    "options",
    [
        {"requests_per_second": 0},
        {"requests_per_second": -1},
        {"requests_per_second": float("inf")},
        {"requests_per_second": float("nan")},
        {"requests_per_second": "10"},
        {"images_per_request": 0},
        {"images_per_request": 101},
        {"images_per_request": 2.5},
        {"images_per_request": True},
    ],
)
def test_a_limit_that_cannot_be_is_refused(options: dict[str, int]) -> None:
    """The message names the limit and the value."""
    name, value = next(iter(options.items()))
    with pytest.raises(ValueError, match=name) as caught:
        Limits(**options)
    assert repr(value) in str(caught.value)


def test_a_secret_does_not_print() -> None:
    """Neither repr nor the message of a refused secret shows it."""
    assert "geheim" not in repr(Credentials("id", "geheim", "geheimtoken"))
    with pytest.raises(ValueError, match="access_key_secret") as caught:
        Credentials("id", "geheim\n")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "id"}, "set ALIBABA_CLOUD_ACCESS_KEY_SECRET in"),
    ],
)
def test_a_missing_key_says_which_variables_to_set(environment: dict[str, str], says: str) -> None:
    """Nobody has to look up the names."""
    with pytest.raises(ValueError, match="no AccessKey") as caught:
        Credentials.from_environment(environment)
    assert says in str(caught.value)


def test_the_environment_gives_key_and_token() -> None:
    """The vendor's own variable names are read."""
    environment = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "id",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "token",
    }
    assert Credentials.from_environment(environment) == Credentials("id", "secret", "token")
