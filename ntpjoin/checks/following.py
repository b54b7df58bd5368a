"""Whom the daemon follows, put beside those who were chosen. Pure."""

from __future__ import annotations

from ntpjoin.board import Billboard, Peer
from ntpjoin.checks.advice import OwnFile
from ntpjoin.checks.lines import take_out
from ntpjoin.checks.sources import sources
from ntpjoin.facts import Directive
from ntpjoin.model import Pin
from ntpjoin.records import dataclass
from ntpjoin.systems import Row


@dataclass(frozen=True)
class Following:
    """Whom the daemon follows, by its own word; which of them were chosen, and the lines that brought the others.

    `advice` is what to type to have it otherwise.
    """

    board: Billboard
    pins: tuple[Pin, ...]
    lines: tuple[Directive, ...]
    row: Row
    advice: OwnFile
    young: bool = False

    def name(self, peer: Peer) -> str:
        """What to call it: by its name, with its address."""
        known = next((pin.name for pin in self.pins if pin.address == peer.address), peer.source)
        return f"{known} ({peer.address})" if known and known != peer.address else peer.address

    def chosen(self, peer: Peer) -> bool:
        """Whether it is one of those that were chosen."""
        return any(pin.address == peer.address for pin in self.pins)

    def remedy(self, peer: Peer) -> str:
        """What to type to be rid of it."""
        if self.chosen(peer):
            return self.advice.survey
        known = {peer.address, peer.source} - {""}
        culprits = [one.directive for one in sources(self.lines) if known & {one.name, one.key, *one.directive.words}]
        return take_out(culprits, self.row) if culprits else "look at your own lines"
