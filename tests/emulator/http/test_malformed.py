"""Any malformed request is refused, and the emulator goes on: no 5xx, no traceback, no hang."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aliocr.emulator import Emulator
from aliocr.emulator.http import server
from tests.support.asking import Heard, ask, port_of
from tests.support.bad_bodies import bad_bodies
from tests.support.bad_headers import bad_headers
from tests.support.bad_lines import bad_lines
from tests.support.bad_signatures import bad_signatures, newer
from tests.support.raw import GOOD_BODY, KEY, Bad, converse, good, raw, signed

AT_ONCE = 20
"""Clients at a time."""

PATIENCE = 20.0
"""Seconds within which every request is answered or its connection closed, even on a busy machine;
it takes milliseconds."""


def corpus() -> tuple[Bad, ...]:
    """Return every malformed request of the collection, signed now."""
    return (*bad_lines(), *bad_headers(), *bad_signatures(), *bad_bodies())


def complaint(bad: Bad, heard: list[Heard]) -> str | None:
    """Return what is wrong with the replies; None if nothing is."""
    if not heard:
        # Only what is no whole request may go without an answer.
        return None if bad.ends else "no answer"
    if len(heard) < bad.answers:
        return f"{len(heard)} answers instead of {bad.answers}"
    last = heard[-1]
    if last.status == 200 and _is_a_no(last):
        return None
    if 400 <= last.status < 500 and not bad.passes:
        return None
    return f"{last.status} {last.body[:200]!r}"


def _is_a_no(heard: Heard) -> bool:
    """Return True if the envelope or each image is refused by 400, or by 403 for oss paths."""
    reply = json.loads(heard.body)
    return reply["code"] == 400 or {answer["code"] for answer in reply["data"]} <= {400, 403}


async def complaints(emulator: Emulator, requests: Iterable[Bad]) -> dict[str, str]:
    """Return the complaint about each request, a few of them at a time."""
    port = port_of(emulator)
    turns = asyncio.Semaphore(AT_ONCE)
    found: dict[str, str] = {}

    async def try_out(bad: Bad) -> None:
        async with turns:
            try:
                async with asyncio.timeout(PATIENCE):
                    words = complaint(bad, await converse(port, bad))
            except TimeoutError:
                words = "neither answered nor closed"
            if words is not None:
                found[bad.name] = words

    await asyncio.gather(*(try_out(bad) for bad in requests))
    return found


def unlimited() -> Emulator:
    """Return an emulator without a rate limit, so that every request gets as far as it can."""
    return Emulator(credentials=KEY, requests_per_second=None)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return all errors in the log: of aiohttp, asyncio and the emulator."""
    gc.collect()  # asyncio logs the unread errors of tasks when these are collected
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_corpus_is_large_and_its_requests_differ() -> None:
    """At least 300 different requests, each with its own name."""
    bad = corpus()
    assert len({each.data for each in bad}) == len({each.name for each in bad}) == len(bad)
    assert len(bad) >= 300


async def test_every_bad_request_is_refused_and_a_good_one_still_answered(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One emulator gets them all, twenty at a time, and still works afterwards."""
    # A busy machine may take long for one of many that came at once, which is its last then.
    monkeypatch.setattr(server, "UNHEARD", PATIENCE)
    async with unlimited() as emulator:
        assert await complaints(emulator, corpus()) == {}
        assert (await ask(emulator)).codes == [200]
        (heard,) = await converse(port_of(emulator), Bad("none", raw(GOOD_BODY, newer())))
        assert heard.codes == [200]
    assert errors(caplog) == []


# --- random requests ------------------------------------------------------------------------------

FEW = settings(
    derandomize=True,
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES = st.sampled_from(
    ["scenes", "tasks", "url", "dataId", "interval", "maxFrames", "bizType", "clientInfo", "extras"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=5), inner),
    max_leaves=12,
)


async def survived(payloads: Sequence[bytes], caplog: pytest.LogCaptureFixture) -> None:
    """No 5xx, no silence, no error in the log, and a good answer afterwards."""
    async with unlimited() as emulator:
        port = port_of(emulator)
        requests = [Bad(str(number), data, ends=True) for number, data in enumerate(payloads)]
        async with asyncio.timeout(PATIENCE):
            heard = await asyncio.gather(*(converse(port, each) for each in requests))
        assert [answer for answers in heard for answer in answers if answer.status >= 500] == []
        assert (await ask(emulator)).codes == [200]
    assert errors(caplog) == []


@FEW
@given(payloads=st.lists(st.binary(max_size=400), min_size=10, max_size=20))
async def test_any_bytes_are_survived(
    payloads: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Random bytes, alone and after the beginning of a good request."""
    begun = good()[: len(good()) // 2]
    await survived([*payloads, *(begun + payload for payload in payloads)], caplog)


@FEW
@given(
    wounds=st.lists(
        st.tuples(st.integers(0, len(good())), st.integers(0, 40), st.binary(max_size=10)),
        min_size=20,
        max_size=30,
    )
)
async def test_any_damage_to_a_good_request_is_survived(
    wounds: list[tuple[int, int, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    """Some of its bytes are replaced by others."""
    whole = good()
    damaged = [whole[:at] + put + whole[at + lost :] for at, lost, put in wounds]
    await survived(damaged, caplog)


@FEW
@given(documents=st.lists(JSON, min_size=20, max_size=30))
async def test_any_json_is_survived(documents: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """Any JSON, with a right signature."""
    bodies = [json.dumps(document).encode() for document in documents]
    tasks = [json.dumps({"scenes": ["ocr"], "tasks": [each]}).encode() for each in documents]
    await survived([good(body) for body in (*bodies, *tasks)], caplog)


@FEW
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from(["Host", "x-acs-note", *signed(GOOD_BODY)]),
            st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40),
        ),
        min_size=20,
        max_size=30,
    )
)
async def test_any_header_is_survived(
    changes: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    """Any characters in a header, signed or not."""
    made = []
    for name, value in changes:
        made.append(raw(GOOD_BODY, signed(GOOD_BODY) | {name: value.encode("latin-1")}))
        made.append(raw(GOOD_BODY, signed(GOOD_BODY, {name: value})))
    await survived(made, caplog)
