"""Everybody that is measured, ourselves included, from the floor up."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.peers.by_hand import AiohttpByHand, HttpxByHand
from benchmarks.peers.contract import IN_FLIGHT, Note, Peer
from benchmarks.peers.floor import BareSocket, RawFloor
from benchmarks.peers.ours import Ours
from benchmarks.peers.vendor import CoreSdk, TeaSdk

__all__ = [
    "AIOHTTP",
    "CORE_SDK",
    "FLOOR",
    "IN_FLIGHT",
    "OURS",
    "PEERS",
    "SOCKET",
    "Note",
    "Peer",
    "missing_peers",
    "present_peers",
]

_EVERYBODY: tuple[Peer, ...] = (
    *(BareSocket(), RawFloor(), Ours(), AiohttpByHand(), HttpxByHand(), CoreSdk(), TeaSdk()),
)

PEERS: Mapping[str, Peer] = MappingProxyType({peer.name: peer for peer in _EVERYBODY})
"""By name: a fresh process is told the name, and has the peer of it."""

SOCKET, FLOOR, OURS, AIOHTTP = BareSocket.name, RawFloor.name, Ours.name, AiohttpByHand.name
CORE_SDK = CoreSdk.name


def present_peers() -> tuple[str, ...]:
    """The names of those that are installed."""
    return tuple(name for name, peer in PEERS.items() if peer.missing() is None)


def missing_peers() -> tuple[str, ...]:
    """A sentence for each of those that are not."""
    return tuple(sentence for peer in PEERS.values() if (sentence := peer.missing()) is not None)
