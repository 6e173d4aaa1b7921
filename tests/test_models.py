"""What a user may hand in, and what is refused before anything is sent."""

import pytest

from aliocr import Credentials, Failure, Image, Limits, OCRError, Scan


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://example.com/a.png", "must start with http"),
        ("a.png", "must start with http"),
        ("", "must start with http"),
        ("https://", "names no host"),
        ("https:///a.png", "names no host"),
        ("https://example.com/a b.png", "holds a space"),
        ("https://example.com/a.png\n", "holds a space"),
        ("https://example.com/a\u00a0b.png", "holds a space"),
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
        Image("https://example.com/ä b.png?Signature=geheim")
    assert not any("geheim" in text for text in [*shown, str(caught.value)])
    assert "https://…@example.com/a.png?…" in repr(image)


def test_an_outcome_says_whether_it_is_one() -> None:
    """`ok` tells the two apart, and a policy's wish for a person is a claim of its own."""
    image = Image("https://example.com/a.png")
    scan = Scan(image, "hello", suggestion="review")
    assert scan.ok
    assert scan.needs_review
    assert not Scan(image, "").needs_review
    assert not Failure(image, OCRError("no")).ok


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
