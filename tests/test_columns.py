"""An outcome can be stored: plain values, the same keys in the same order for all."""

import inspect
import json
from typing import Any

import pytest

import aliocr
from aliocr import COLUMNS, Failure, Frame, Image, OCRError, Region, Scan
from aliocr.errors import GATEWAY, IN_BODY, api_error

SECRET = "Signature=geheim"
URL = f"https://me:geheim@example.com/a.png?{SECRET}"
IMAGE = Image(URL, data_id="a", interval=2, max_frames=9)
REGION = Region("Total", 1, 2.5, 30, 4)

FULL = Scan(
    IMAGE,
    "Total",
    (REGION,),
    (Frame("Total", (REGION,), f"https://example.com/f.png?{SECRET}", 99.5), Frame("")),
    "ocr",
    "review",
    99.91,
    "task",
    "request",
    1280,
    720,
    90,
)
EMPTY = Scan(Image("https://example.com/b.png"), "")

CODES: list[int | str] = [*IN_BODY, *GATEWAY, 999, "Surprise"]

ERRORS = [
    error("no")
    for error in vars(aliocr.errors).values()
    if inspect.isclass(error)
    and issubclass(error, OCRError)
    and not issubclass(error, aliocr.APIError)
] + [api_error(code, f"no {URL}", request_id="request") for code in CODES]
OUTCOMES = [FULL, EMPTY, *(Failure(IMAGE, error) for error in ERRORS)]

TEXTS = {"source", "data_id", "text", "label", "suggestion", "task_id", "request_id", "kind"}
LISTS = {"regions", "frames"}
CLAIMS = {"ok", "needs_review", "transient", "maybe_charged"}


@pytest.mark.parametrize("outcome", OUTCOMES, ids=repr)
def test_every_outcome_has_the_same_keys_and_is_plain_json(outcome: aliocr.Outcome) -> None:
    """So a list of them is a table; what is text is a text in each row, and a list a list."""
    told = outcome.to_dict()
    assert tuple(told) == COLUMNS
    assert json.loads(json.dumps(told)) == told
    for name, value in told.items():
        if name in TEXTS | {"error"}:
            assert type(value) is str, name
        elif name in LISTS:
            assert type(value) is list, name
        elif name in CLAIMS:
            assert value in (None, True, False), name
    assert "geheim" not in str(told)


def test_a_scan_keeps_all_that_it_has() -> None:
    """And the cells of a failure are empty."""
    place = {"text": "Total", "x": 1, "y": 2.5, "w": 30, "h": 4}
    assert FULL.to_dict() == {
        "source": "https://…@example.com/a.png?…",
        "ok": True,
        "data_id": "a",
        "interval": 2,
        "max_frames": 9,
        "text": "Total",
        "regions": [place],
        "frames": [
            {
                "text": "Total",
                "regions": [place],
                "url": "https://example.com/f.png?…",
                "rate": 99.5,
            },
            {"text": "", "regions": [], "url": "", "rate": None},
        ],
        "label": "ocr",
        "suggestion": "review",
        "needs_review": True,
        "rate": 99.91,
        "width": 1280,
        "height": 720,
        "turn": 90,
        "task_id": "task",
        "request_id": "request",
        "kind": "",
        "code": None,
        "error": "",
        "transient": None,
        "maybe_charged": None,
    }


def test_a_failure_says_why() -> None:
    """With the code as the service gave it, and asks for a person."""
    for code in (592, "Throttling.User"):
        error = api_error(code, "no", request_id="request")
        told = Failure(IMAGE, error).to_dict()
        assert (told["ok"], told["needs_review"]) == (False, True)
        assert (told["kind"], told["code"]) == (type(error).__name__, code)
        assert (told["error"], told["request_id"]) == (str(error), "request")
        assert (told["transient"], told["maybe_charged"]) == (True, False)
        assert (told["text"], told["regions"], told["label"], told["rate"]) == ("", [], "", None)
    assert Failure(IMAGE, OCRError("no")).to_dict()["code"] is None


def test_the_query_is_there_for_those_who_ask_for_it() -> None:
    """Of the image and of its frames."""
    assert FULL.to_dict(whole_urls=True)["source"] == URL
    assert FULL.to_dict(whole_urls=True)["frames"][0]["url"].endswith(SECRET)
    assert Failure(IMAGE, OCRError("no")).to_dict(whole_urls=True)["source"] == URL


def test_a_row_belongs_to_its_caller() -> None:
    """A change of one row changes no other."""
    EMPTY.to_dict()["regions"].append("mine")
    EMPTY.to_dict()["frames"].append("mine")
    assert (EMPTY.to_dict()["regions"], EMPTY.to_dict()["frames"]) == ([], [])


PIECES = (Region("a", 1, 2, 3, 4),)


@pytest.mark.parametrize(
    ("fields", "needed"),
    [
        ({"suggestion": "pass"}, False),
        ({"suggestion": "pass", "text": "a"}, False),
        ({"suggestion": "review"}, True),
        ({"suggestion": "review", "text": "a"}, True),
        ({"suggestion": "block"}, True),
        ({"suggestion": "Pass"}, True),
        ({"suggestion": "a word of tomorrow"}, True),
        ({"suggestion": ""}, True),
        ({"text": "a"}, True),
        ({"regions": PIECES}, True),
        ({"frames": (Frame(""), Frame("a"))}, True),
        ({"frames": (Frame("", PIECES),)}, True),
        ({"frames": (Frame(""), Frame(""))}, False),
        ({"label": "ocr"}, False),
        ({}, False),
    ],
)
def test_moderation_fails_closed(fields: dict[str, Any], needed: bool) -> None:
    """Only `pass` lets an image pass, and only an image without text needs no suggestion."""
    own: dict[str, Any] = {"text": ""} | fields
    scan = Scan(IMAGE, **own)
    assert scan.needs_review is needed
    assert scan.to_dict()["needs_review"] is needed
    read = aliocr.Read(row=1, source="a", **own)
    assert read.needs_review is needed


def test_what_the_service_did_not_say_is_not_invented() -> None:
    """A missing label is none, in Python and in a table."""
    assert (EMPTY.label, EMPTY.suggestion) == (None, None)
    assert (EMPTY.to_dict()["label"], EMPTY.to_dict()["suggestion"]) == ("", "")
