"""What was seen of the packet filter, as data. Only `look` makes these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, Optional

from ntpjoin.model import FAMILIES, Family
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class Places:
    """Where firewalld takes our rule: the zones of the public interfaces now and after its next start, and which rule it is."""

    now: tuple[str, ...]
    later: tuple[str, ...]
    rule: str


@dataclass(frozen=True)
class Untracked:
    """Connection tracking and UDP 123. By family: whether it is kept `out` of that now, and so is what is asked `from_123`.

    `passes`: whether queries and answers would pass untracked, where they pass now, or will by the rule that the manager takes from
    us (None: cannot be told); `why` and `remedy` where not. This host `masquerades`: others may ask by its address. `theirs` are
    rules of somebody else's that keep what comes from 123 out of it, whatever ours do. `nft` is that program's path.
    """

    out: Mapping[Family, bool] = field(default_factory=dict)
    from_123: Mapping[Family, bool] = field(default_factory=dict)
    passes: Mapping[Family, Optional[bool]] = field(default_factory=dict)
    why: Mapping[Family, str] = field(default_factory=dict)
    remedy: tuple[str, ...] = ()
    masquerades: bool = False
    theirs: tuple[str, ...] = ()
    nft: str = ""

    @property
    def kept(self) -> bool:
        """Whether it is so as far as it can be: what others may have asked by this host's address is theirs."""
        return bool(self.out) and all(self.out.values()) and not self.wrong

    @property
    def spares(self) -> bool:
        """Whether no client takes a place in the table of connections; on a host that masquerades those that ask from 123 do."""
        return self.kept and not self.masquerades

    @property
    def wrong(self) -> bool:
        """Whether the answers to others behind this host would be taken for ours."""
        return self.masquerades and (any(self.from_123.values()) or bool(self.theirs))


@dataclass(frozen=True)
class FirewallFacts:
    """Who manages the packet filter, and whether a query from anywhere to UDP 123 comes in and its answer goes out.

    `families` are those in which this host can be asked, but for those that the manager shuts as a whole, which are `closed`.
    By family: `admits` (None: could not be told), `lasts` the same after the manager's next start, where that can be another
    answer, `why` what decides against it or is not understood. `opens` are the families in which the rule that the manager takes
    from us lets it in, `remedy` is what to type where there is none. `limit` names what lets in only so many, `problem` tells why
    nothing of it could be seen. `untracked` is None then, too.
    """

    manager: Literal["ufw", "firewalld", "nftables", "iptables", "none", "unknown"] = "none"
    admits: Mapping[Family, Optional[bool]] = field(default_factory=dict)
    families: tuple[Family, ...] = FAMILIES
    closed: tuple[Family, ...] = ()
    lasts: Mapping[Family, Optional[bool]] = field(default_factory=dict)
    opens: tuple[Family, ...] = ()
    why: Mapping[Family, str] = field(default_factory=dict)
    remedy: tuple[str, ...] = ()
    limit: str = ""
    places: Optional[Places] = None
    problem: str = ""
    untracked: Optional[Untracked] = None

    def lets_in(self, family: Family) -> Optional[bool]:
        """Whether it does now and goes on doing so."""
        told = (self.admits.get(family), self.lasts.get(family, self.admits.get(family)))
        return False if False in told else None if None in told else True

    @property
    def shut(self) -> tuple[Family, ...]:
        """The families in which nobody gets in, or will not for long."""
        return tuple(family for family in self.families if self.lets_in(family) is False)

    @property
    def unclear(self) -> tuple[Family, ...]:
        """The families of which it could not be told."""
        return tuple(family for family in self.families if self.lets_in(family) is None)
