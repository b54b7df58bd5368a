"""Rules as data, and whether one fits a packet. Both nft and iptables are read into these, and so are the zones of firewalld."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Literal, Optional, Protocol, Union, overload

from ntpjoin.host.netfilter.ranges import CLIENT_PORTS, WORLD, Range, overlap
from ntpjoin.model import Family
from ntpjoin.records import dataclass

#: How a rule fits all the packets of one kind: all of them, none, some by their rate, or it cannot be told from here.
Fit = Literal["yes", "no", "rate", "maybe"]

#: What a rule does. `elsewhere`: the packet is handed to another host, another port or a program.
Action = Literal["accept", "drop", "return", "continue", "jump", "goto", "elsewhere"]

#: The hooks that a query and an answer come by, in order.
COMING, GOING = ("ingress", "prerouting", "input"), ("output", "postrouting", "egress")

NTP_PORT = 123

#: A rule for fewer of the public addresses than this is one for some, and says nothing of anybody else.
FEW = 1 / 32


@dataclass(frozen=True)
class Packet:
    """A query from anywhere to UDP 123 of one address of this host, or (`leaving`) the answer to it.

    `own` is that address as a number, None where this host has none; `state` as conntrack sees it, None where that cannot be
    told; `marked`: some rule may have set a mark; `bridged`: the interface is a bridge; `ports`: which the client may have.
    """

    family: Family
    interface: str
    own: Optional[int] = None
    leaving: bool = False
    state: Optional[str] = "new"
    marked: bool = False
    bridged: bool = False
    ports: tuple[Range, ...] = CLIENT_PORTS


class Condition(Protocol):
    """One part of a rule that a packet has to meet."""

    def fit(self, packet: Packet) -> Fit:
        """How it fits all packets of this kind."""
        ...


def negation(fit: Fit) -> Fit:
    """The fit of the opposite."""
    opposite: Mapping[Fit, Fit] = {"yes": "no", "no": "yes", "rate": "rate", "maybe": "maybe"}
    return opposite[fit]


@dataclass(frozen=True)
class Address:
    """Source or destination is in one of these ranges of one family; never met by a packet of the other."""

    end: Literal["saddr", "daddr"]
    family: Family
    ranges: tuple[Range, ...]
    negated: bool = False

    def fit(self, packet: Packet) -> Fit:  # noqa: D102
        if packet.family != self.family:
            return "no"
        found = self._own(packet) if (self.end == "daddr") is not packet.leaving else self._remote
        return negation(found) if self.negated else found

    def _own(self, packet: Packet) -> Fit:
        if packet.own is None:
            return "maybe"
        return "yes" if any(low <= packet.own <= high for low, high in self.ranges) else "no"

    @cached_property
    def _remote(self) -> Fit:
        world = WORLD[self.family]
        share = overlap(self.ranges, world) / overlap(world, world)
        return "no" if share <= FEW else "yes" if share >= 1 - FEW else "maybe"


@dataclass(frozen=True)
class Port:
    """Source or destination port of these protocols is in one of these ranges."""

    end: Literal["sport", "dport"]
    ranges: tuple[Range, ...]
    negated: bool = False

    def fit(self, packet: Packet) -> Fit:  # noqa: D102
        if (self.end == "dport") is not packet.leaving:
            found: Fit = "yes" if overlap(self.ranges, ((NTP_PORT, NTP_PORT),)) else "no"
        else:
            met, all_of_them = overlap(self.ranges, packet.ports), overlap(packet.ports, packet.ports)
            found = "no" if met == 0 else "yes" if met == all_of_them else "maybe"
        return negation(found) if self.negated else found


Word = Literal[
    "protocol", "family", "in", "out", "state", "status", "direction", "cast", "source type", "destination type"
]


@dataclass(frozen=True)
class Is:
    """Something of the packet that has a name is one of these; `*` at the end of a name stands for anything."""

    what: Word
    names: tuple[str, ...]
    negated: bool = False

    def fit(self, packet: Packet) -> Fit:  # noqa: D102
        known = self._known(packet)
        if known is None:
            return "maybe"
        if self.what in ("in", "out") and not known:
            return "no"  # a packet that has no such interface breaks off the rule, whatever is asked of it
        found: Fit = "yes" if any(_stands_for(name, known) for name in self.names) else "no"
        return negation(found) if self.negated else found

    def _known(self, packet: Packet) -> Optional[str]:
        """What it is of this packet; None where that cannot be told."""
        leaving = packet.leaving
        return {
            "protocol": "udp",
            "family": packet.family,
            "in": "" if leaving else packet.interface,
            "out": packet.interface if leaving else "",
            "state": packet.state,
            "status": None if leaving else "none",
            "direction": "reply" if leaving else "original",
            "cast": None if leaving else "host",
            "source type": "local" if leaving else "unicast",
            "destination type": "unicast" if leaving else "local",
        }[self.what]


def _stands_for(name: str, known: str) -> bool:
    return known.startswith(name[:-1]) if name.endswith("*") else known == name


@dataclass(frozen=True)
class Mark:
    """The packet, or its connection, carries a mark; without a rule that sets one it is 0."""

    value: int
    negated: bool = False

    def fit(self, packet: Packet) -> Fit:  # noqa: D102
        if packet.marked:
            return "maybe"
        return "yes" if (self.value == 0) is not self.negated else "no"


@dataclass(frozen=True)
class Rate:
    """Met or not by how many there are: of all packets, or from one address."""

    def fit(self, packet: Packet) -> Fit:  # noqa: D102
        del packet
        return "rate"


@dataclass(frozen=True)
class Always:
    """Met by every packet of this kind, or (`never`) by none."""

    never: bool = False

    def fit(self, packet: Packet) -> Fit:  # noqa: D102
        del packet
        return "no" if self.never else "yes"


@dataclass(frozen=True)
class Opaque:
    """Something that is not understood, or that depends on more than is known here."""

    text: str

    def fit(self, packet: Packet) -> Fit:  # noqa: D102
        del packet
        return "maybe"


@dataclass(frozen=True)
class AnyOf:
    """One of several groups of conditions is met as a whole: a set of concatenated values."""

    groups: tuple[tuple[Condition, ...], ...]
    negated: bool = False

    def fit(self, packet: Packet) -> Fit:  # noqa: D102
        fits = {fit_all(group, packet) for group in self.groups}
        found: Fit = "yes" if "yes" in fits else "maybe" if "maybe" in fits else "rate" if "rate" in fits else "no"
        return negation(found) if self.negated else found


def fit_all(conditions: tuple[Condition, ...], packet: Packet) -> Fit:
    """How a packet fits several conditions at once: the weakest decides."""
    fits = {condition.fit(packet) for condition in conditions}
    return "no" if "no" in fits else "maybe" if "maybe" in fits else "rate" if "rate" in fits else "yes"


@dataclass(frozen=True)
class Rule:
    """Conditions, and what is done with a packet that meets them; `place` tells people which rule it is.

    `sets` is what it does to the packet besides: 'untracked', 'mark'.
    """

    conditions: tuple[Condition, ...]
    action: Action
    target: str = ""
    sets: tuple[str, ...] = ()
    place: str = ""


class Unread(Sequence[Rule]):
    """Rules that are read when a packet comes to them: to most chains of a ruleset none of ours does."""

    def __init__(self, read: Callable[[], Iterable[Rule]]) -> None:
        self._read = read

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        return tuple(self._read())

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Rule]: ...
    def __getitem__(self, index: Union[int, slice]) -> Union[Rule, Sequence[Rule]]:
        return self._rules[index]

    def __len__(self) -> int:
        return len(self._rules)


@dataclass(frozen=True)
class Chain:
    """A chain; one with a `hook` is where packets come in. `tool` is the program that manages it."""

    tool: str
    family: str
    table: str
    name: str
    rules: Sequence[Rule] = ()
    hook: str = ""
    priority: int = 0
    policy: Action = "accept"
    kind: str = "filter"
    devices: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What is unique to it."""
        return (self.tool, self.family, self.table, self.name)

    @property
    def of_devices(self) -> bool:
        """Whether it is for some interfaces only."""
        return self.hook in ("ingress", "egress")

    @property
    def leaving(self) -> bool:
        """Whether it is for packets that go out."""
        return self.hook in GOING

    @property
    def title(self) -> str:
        """For people."""
        return f"chain {self.name} of table {self.family} {self.table}"


@dataclass(frozen=True)
class Ruleset:
    """All chains that are in force, and why some of it could not be read."""

    chains: Mapping[tuple[str, str, str, str], Chain] = field(default_factory=dict)
    problem: str = ""

    def chain(self, like: Chain, name: str) -> Optional[Chain]:
        """The chain of that name in the table of another."""
        return self.chains.get((like.tool, like.family, like.table, name))
