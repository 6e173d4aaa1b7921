"""Matching: finds the image of a request that an element of a reply is about.

1. The data id decides. It is unique to the request, so an unknown data id belongs to another
   request: the connection is out of step, and the element is stale. The same goes for a known data
   id beside another URL.
2. Without a data id, the URL decides, if only one image of the request has it.
3. Without both, the place decides, if the request has one image and the reply one element.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property

from aliocr.models import Image
from aliocr.protocol.wire import ImageReply
from aliocr.redaction import unescaped


class Matcher:
    """Finds images of one request.

    Args:
        named: The images by data id, as they were encoded.
        alone: True if the reply has only one element.

    Attributes:
        stale: Number of elements that belong to another request.
    """

    def __init__(self, named: Mapping[str, Image], *, alone: bool) -> None:
        self._named = named
        self._alone = alone
        self.stale = 0

    def name_of(self, answer: ImageReply) -> str | None:
        """Return the data id of the image that an element is about; None if there is none."""
        if not answer.data_id:
            return self._name_without_id(answer.url)
        image = self._named.get(answer.data_id)
        if image is not None and (answer.url == image.url or _may_be(answer.url, image.url)):
            return answer.data_id
        self.stale += 1
        return None

    def _name_without_id(self, url: str | None) -> str | None:
        if url:
            return self._by_url.get(_comparable(url))
        return next(iter(self._named)) if self._alone and len(self._named) == 1 else None

    @cached_property
    def _by_url(self) -> dict[tuple[str, str], str]:
        """The data ids by URL, without the URLs that several images have."""
        urls = [(_comparable(image.url), name) for name, image in self._named.items()]
        times = Counter(url for url, _ in urls)
        return {url: name for url, name in urls if times[url] == 1}


def _may_be(echoed: str | None, url: str) -> bool:
    """Return False if an element names the address of another picture.

    The service may name an address in another form, without its query, or as it stored the picture
    itself (`oss://`).
    """
    if not echoed or "://" not in echoed or echoed.lower().startswith("oss://"):
        return True
    address, asked = _comparable(echoed), _comparable(url)
    return address == asked or ("?" not in echoed and address == _comparable(url.partition("?")[0]))


def _comparable(url: str) -> tuple[str, str]:
    """Return host and path of a URL in one form, decoded, without scheme and fragment."""
    address = unescaped(url).replace("+", " ").partition("#")[0].strip()
    host, _, path = address.partition("://")[2].partition("/")
    with suppress(UnicodeError):
        host = host.encode("idna").decode()
    return host.lower().removesuffix(":443").removesuffix(":80"), path
