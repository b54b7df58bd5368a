"""What the daemon says of itself and of its sources, as `ntpq -p` would show it, and what that amounts to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

from ntpjoin.errors import WireError
from ntpjoin.look.daemon import LOOPBACK
from ntpjoin.model import majority
from ntpjoin.wire.control import ControlClient, Peer, SystemVars, billboard

#: Settled; replies come but nobody is followed yet; not one reply came; or the daemon tells nothing.
Verdict = Literal["settled", "replies", "silence", "unseen"]

_SURVIVORS = "*+o#"


@dataclass(frozen=True)
class Billboard:
    """What the daemon says of itself and of its sources, and what that amounts to."""

    verdict: Verdict
    system: Optional[SystemVars] = None
    peers: tuple[Peer, ...] = ()

    @property
    def survivors(self) -> int:
        """How many sources agree with each other."""
        return sum(peer.tally in _SURVIVORS for peer in self.peers)

    @property
    def replying(self) -> int:
        """How many sources have answered one of the last eight polls."""
        return sum(peer.reach > 0 for peer in self.peers)


def look_billboard() -> Billboard:
    """Ask the daemon on the loopback address, over mode 6."""
    try:
        with ControlClient(LOOPBACK) as client:
            system, peers = billboard(client)
    except WireError:
        return Billboard("unseen")
    return Billboard(_judge(system, peers), system, peers)


def _judge(system: SystemVars, peers: tuple[Peer, ...]) -> Verdict:
    """Settled: a system peer, at least minsane survivors, leap not 3."""
    survivors = sum(peer.tally in _SURVIVORS for peer in peers)
    if system.peer_associd and system.leap != 3 and survivors >= majority(len(peers)):
        return "settled"
    return "replies" if any(peer.reach for peer in peers) else "silence"
