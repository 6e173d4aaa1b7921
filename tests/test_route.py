"""The route to an address: what the environment and the arguments say, and what is refused."""

from typing import Any

import pytest

import aliocr
from aliocr import Session
from aliocr.route import Route, route_to
from tests.support.proxy import VARIABLES

PROXY = "http://proxy.test:3128"
WRONG = "me:canary-of-the-proxy"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable that this machine may have."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("https://green.test", {}, ""),
        ("https://green.test", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://green.test", {"https_proxy": PROXY}, PROXY),
        ("https://green.test", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, PROXY),
        ("https://green.test", {"https_proxy": "", "HTTPS_PROXY": PROXY}, ""),
        ("https://green.test", {"HTTP_PROXY": PROXY}, ""),
        ("http://green.test", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://green.test", {"HTTPS_PROXY": PROXY}, ""),
        ("http://green.test", {"ALL_PROXY": PROXY}, PROXY),
        ("https://green.test", {"all_proxy": PROXY}, PROXY),
        ("https://green.test", {"ALL_PROXY": "socks5://x", "HTTPS_PROXY": PROXY}, PROXY),
        ("https://green.test", {"HTTPS_PROXY": "proxy.test:3128"}, PROXY),
        ("https://green.test", {"HTTPS_PROXY": "HTTP://proxy.test:3128/"}, PROXY),
        ("https://green.test", {"HTTPS_PROXY": "https://proxy.test"}, "https://proxy.test"),
        ("https://green.test", {"HTTPS_PROXY": "http://[::1]:3128"}, "http://[::1]:3128"),
        # This machine itself, in all its names.
        ("http://127.0.0.1:8000", {"HTTP_PROXY": PROXY}, ""),
        ("http://127.8.9.1", {"HTTP_PROXY": PROXY}, ""),
        ("http://[::1]:8000", {"HTTP_PROXY": PROXY}, ""),
        ("http://[::ffff:127.0.0.1]", {"HTTP_PROXY": PROXY}, ""),
        ("http://0.0.0.0:8000", {"HTTP_PROXY": PROXY}, ""),
        ("http://LOCALHOST:8000", {"HTTP_PROXY": PROXY}, ""),
        ("http://localhost.", {"HTTP_PROXY": PROXY}, ""),
        ("http://me.localhost", {"HTTP_PROXY": PROXY}, ""),
        ("http://localhost", {"HTTP_PROXY": "socks5://not-looked-at"}, ""),
        ("http://notlocalhost", {"HTTP_PROXY": PROXY}, PROXY),
    ],
)
def test_the_proxy_is_the_one_that_everybody_expects(
    url: str, variables: dict[str, str], proxy: str, environment: pytest.MonkeyPatch
) -> None:
    """As for curl: by scheme, lower case first, and never for this machine."""
    for name, value in variables.items():
        environment.setenv(name, value)
    assert route_to(url).proxy == proxy


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    ("host", "entry", "exempt"),
    [
        ("green.test", "green.test", True),
        ("green.test", "GREEN.TEST", True),
        ("green.test", "test", True),
        ("green.test", ".test", True),
        ("green.test", "*.test", True),
        ("green.test", ".green.test", True),
        ("green.test.", "green.test", True),
        ("green.test", "een.test", False),
        ("green.test", "red.green.test", False),
        ("green.test", "*", True),
        ("green.test", "a, *", True),
        ("green.test", "a,b ,green.test", True),
        ("green.test", "a b green.test", True),
        ("green.test", ",", False),
        ("green.test", ".", False),
        ("green.test", "", False),
        ("green.test", "green.test:443", True),
        ("green.test", "green.test:8443", False),
        ("green.test:8443", "green.test:8443", True),
        ("green.test:8443", "*:8443", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("10.1.2.3", "10.1.2.3:80", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.9.9.9/8", True),
        ("10.1.2.3", "192.168.0.0/16", False),
        ("10.1.2.3", "fd00::/8", False),
        ("[fd00::1]", "fd00::1", True),
        ("[fd00::1]", "[fd00::1]", True),
        ("[fd00::1]:8443", "[fd00::1]:8443", True),
        ("[fd00::1]", "[fd00::1]:8443", False),
        ("[fd00::1]", "fd00::/8", True),
        ("[::ffff:10.1.2.3]", "10.0.0.0/8", True),
        ("green.test", "10.0.0.0/8", False),
        ("green.test", "10.0.0.0/99", False),
    ],
)
def test_no_proxy_names_hosts_in_many_ways(
    name: str, host: str, entry: str, exempt: bool, environment: pytest.MonkeyPatch
) -> None:
    """Domains, addresses and networks, with a port or without."""
    environment.setenv("HTTPS_PROXY", PROXY)
    environment.setenv(name, entry)
    assert route_to(f"https://{host}").proxy == ("" if exempt else PROXY)
    assert route_to(f"https://{host}", proxy=PROXY).proxy == PROXY  # what is asked for is done


def test_a_given_proxy_takes_the_place_of_the_environment(environment: pytest.MonkeyPatch) -> None:
    """The empty one, too."""
    environment.setenv("HTTPS_PROXY", "http://other.test")
    assert route_to("https://green.test", proxy=PROXY).proxy == PROXY
    assert route_to("https://green.test", proxy="") == Route(tunnel=True)
    assert route_to("https://green.test", environment=False) == Route(tunnel=True)
    assert route_to("http://127.0.0.1", proxy=PROXY).proxy == ""


BAD = [
    "socks5://proxy.test:1080",
    "socks5h://me:canary@proxy.test",
    "ftp://proxy.test",
    "http://",
    "http://me:canary@",
    "http://proxy.test:port",
    "http://proxy.test:99999",
    "http://proxy.test/path",
    "http://me:canary@proxy.test/path",
    "http://me:can#ary@proxy.test:port",
    "http://me:can/ary@proxy.test/?ary",
    "me:canary@proxy.test:port",
    "http://pro xy.test",
    "http://[::1",
]


@pytest.mark.parametrize("proxy", BAD)
@pytest.mark.parametrize("name", ["proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_bad_proxy_is_refused_by_its_name(
    proxy: str, name: str, environment: pytest.MonkeyPatch
) -> None:
    """Before anything is sent, with what is expected, and without user and password."""
    given: dict[str, Any] = {"endpoint": "https://green.test"}
    if name == "proxy":
        given |= {"proxy": proxy}
    else:
        environment.setenv(name, proxy)
    with pytest.raises(ValueError, match=rf"^{name} must be http://.*SOCKS is not") as caught:
        Session(credentials=aliocr.Credentials("id", "secret"), **given)
    assert "ary" not in str(caught.value)


@pytest.mark.parametrize("proxy", [3128, False, object(), b"http://proxy.test", []])
def test_a_proxy_that_is_no_text_is_refused(proxy: Any) -> None:
    """With its type, not its value."""
    with pytest.raises(ValueError, match=f"proxy must be .*, not {type(proxy).__name__}$"):
        route_to("https://green.test", proxy=proxy)


def test_a_route_never_shows_its_login() -> None:
    """Neither quoted, nor plain, nor encoded."""
    route = route_to("http://green.test", proxy=f"http://{WRONG}@proxy.test")
    assert route.headers["Proxy-Authorization"] == "Basic bWU6Y2FuYXJ5LW9mLXRoZS1wcm94eQ=="
    assert repr(route) == "Route(proxy='http://proxy.test', tunnel=False, tls=True)"


def test_a_tunnel_keeps_the_login_from_the_service() -> None:
    """Only the request to the proxy itself has it."""
    route = route_to("https://green.test", proxy=f"http://{WRONG}@proxy.test")
    assert route.headers == {}
    assert set(route.options["proxy_headers"]) == {"Proxy-Authorization"}
