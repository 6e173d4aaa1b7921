"""Parse requests and build replies of the canned server.

Only data ids and URLs are taken from the request; all other bytes of a reply are prepared before.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

OK = 200

POOL = 200
"""Number of prepared results. Each reply starts at the next result of this list."""

# Texts in the replies are Chinese and English, because the service reads both by default.
WORDS = (
    *("Total", "invoice", "64.50", "EUR", "2024-12-13", "receipt", "No. 4711", "VAT 19 %"),
    *("发票", "合计金额", "上海市", "电话"),
)


class Task(msgspec.Struct):
    """One image of a request. The fields are undecoded JSON strings, ready to be sent back."""

    url: msgspec.Raw
    dataId: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815 - name in the request


class _Request(msgspec.Struct):
    tasks: list[Task]


_decoder = msgspec.json.Decoder(_Request)


def tasks_of(body: bytes) -> list[Task]:
    """Return the images of a request, in order."""
    return _decoder.decode(body).tasks


class CannedReplies:
    """Builder of replies from prepared results.

    Args:
        regions: Minimum and maximum number of regions per image.
        seed: Random seed of the texts.
    """

    def __init__(self, regions: tuple[int, int], seed: int) -> None:
        dice = random.Random(seed)
        self._results = [_result(dice, dice.randint(*regions)) for _ in range(POOL)]
        self._replies = 0

    def reply(self, tasks: Sequence[Task], codes: Sequence[int]) -> bytes:
        """Return the body of a reply: one element per image, with a text if its code is 200."""
        self._replies += 1
        elements = []
        for number, (task, code) in enumerate(zip(tasks, codes, strict=True), self._replies):
            rest = self._results[number % POOL] if code == OK else b'"msg":"refused"}'
            elements.append(
                b'{"code":%d,"dataId":%b,"url":%b,%b'
                % (code, bytes(task.dataId), bytes(task.url), rest)
            )
        return b'{"code":200,"msg":"OK","requestId":"B-%d","data":[%b]}' % (
            self._replies,
            b",".join(elements),
        )


def _result(dice: random.Random, count: int) -> bytes:
    regions = [
        {
            "text": " ".join(dice.choices(WORDS, k=dice.choice((2, 2, 3)))),
            "x": dice.randrange(2000),
            "y": dice.randrange(3000),
            "w": dice.randrange(20, 400),
            "h": dice.randrange(10, 60),
        }
        for _ in range(count)
    ]
    result: dict[str, object] = {
        "scene": "ocr",
        "label": "ocr" if regions else "normal",
        "suggestion": "review" if regions else "pass",
        "rate": 99.91,
    }
    if regions:
        result["ocrData"] = [" ".join(str(region["text"]) for region in regions)]
        result["ocrLocations"] = regions
    rest = {"msg": "OK", "taskId": "img5A@k7a@B4q@6K@d9nfKgOs-1s0000", "extras": {}}
    # Omit the opening brace, because `reply` writes it before code, data id and URL.
    return msgspec.json.encode(rest | {"results": [result]})[1:]


def http_response(status: int, body: bytes) -> bytes:
    """Return a complete HTTP response for a connection that stays open."""
    head = b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


THROTTLED = http_response(
    400,
    b'{"Code":"Throttling.User","Message":"Request was denied due to user flow control.",'
    b'"RequestId":"B-0","HostId":"127.0.0.1"}',
)
