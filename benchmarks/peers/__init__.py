"""List all peers (the measured clients, including aliocr), the cheapest first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.peers.by_hand import AiohttpByHand, HttpxByHand
from benchmarks.peers.contract import Peer
from benchmarks.peers.floor import BareSocket, RawFloor
from benchmarks.peers.ours import Ours
from benchmarks.peers.vendor import CoreSdk, TeaSdk

_ALL: tuple[Peer, ...] = (
    *(BareSocket(), RawFloor(), Ours(), AiohttpByHand(), HttpxByHand(), CoreSdk(), TeaSdk()),
)

PEERS: Mapping[str, Peer] = MappingProxyType({peer.name: peer for peer in _ALL})
"""Peers by name. A fresh process gets only the name, and looks up the peer here."""

SOCKET, FLOOR, OURS, AIOHTTP = BareSocket.name, RawFloor.name, Ours.name, AiohttpByHand.name
CORE_SDK = CoreSdk.name


def installed_peers() -> tuple[str, ...]:
    """Return the names of the installed peers."""
    return tuple(name for name, peer in PEERS.items() if peer.missing() is None)


def missing_peers() -> tuple[str, ...]:
    """Return one sentence for each peer that is not installed."""
    return tuple(sentence for peer in PEERS.values() if (sentence := peer.missing()) is not None)
