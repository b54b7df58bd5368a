"""The options by which a rule of iptables names its packets, as conditions (iptables(8), iptables-extensions(8))."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping

from ntpjoin.host.netfilter.ranges import Range
from ntpjoin.host.netfilter.rules import Address, Always, AnyOf, Condition, Is, Mark, Port
from ntpjoin.model import Family


class Words:
    """The words of one rule, taken one by one; `negated` where a `!` stands before the option just taken."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.negated = False

    def options(self) -> Iterator[str]:
        """Each option in turn; whoever takes it takes its values, too."""
        while self.words:
            word = self.words.pop(0)
            self.negated = word == "!"
            yield self.words.pop(0) if self.negated else word

    def value(self) -> str:
        """The next word. Raises IndexError where there is none."""
        return self.words.pop(0)

    def skip(self) -> None:
        """Leave out the values of an option."""
        while self.words and not self.words[0].startswith("-") and self.words[0] != "!":
            self.words.pop(0)


Reader = Callable[[Words, Family], Condition]


def _address(end: str) -> Reader:
    def read(words: Words, family: Family) -> Condition:
        negated, net = words.negated, ipaddress.ip_network(words.value(), strict=False)
        return Address("saddr" if end == "saddr" else "daddr", family, ((int(net[0]), int(net[-1])),), negated)

    return read


def _range(end: str) -> Reader:
    def read(words: Words, family: Family) -> Condition:
        negated, (low, _, high) = words.negated, words.value().partition("-")
        ends = (int(ipaddress.ip_address(low)), int(ipaddress.ip_address(high or low)))
        return Address("saddr" if end == "saddr" else "daddr", family, (ends,), negated)

    return read


def _ports(*ends: str) -> Reader:
    def read(words: Words, family: Family) -> Condition:
        del family
        negated, ranges = words.negated, tuple(map(_port_range, words.value().split(",")))
        either: list[tuple[Condition, ...]] = [(Port("sport" if end == "sport" else "dport", ranges),) for end in ends]
        return AnyOf(tuple(either), negated)

    return read


def _port_range(text: str) -> Range:
    low, colon, high = text.partition(":")
    return (int(low or 0), int(high or 65535)) if colon else (int(low), int(low))


def _interface(what: str) -> Reader:
    def read(words: Words, family: Family) -> Condition:
        del family
        negated, name = words.negated, words.value()
        return Is("in" if what == "in" else "out", (f"{name[:-1]}*" if name.endswith("+") else name,), negated)

    return read


def _protocol(words: Words, family: Family) -> Condition:
    del family
    negated, name = words.negated, words.value()
    if name in ("all", "0"):
        return Always(never=negated)
    return Is("protocol", ("udp" if name == "17" else name,), negated)


def _states(words: Words, family: Family) -> Condition:
    del family
    negated = words.negated
    return Is("state", tuple(words.value().lower().split(",")), negated)


def _type(what: str) -> Reader:
    def read(words: Words, family: Family) -> Condition:
        del family
        negated = words.negated
        names = tuple(words.value().lower().split(","))
        return Is("source type" if what == "source" else "destination type", names, negated)

    return read


def _cast(words: Words, family: Family) -> Condition:
    del family
    negated, name = words.negated, words.value()
    return Is("cast", ("host" if name == "unicast" else name,), negated)


def _mark(words: Words, family: Family) -> Condition:
    del family
    negated, value = words.negated, words.value().partition("/")[0]
    return Mark(int(value, 0), negated)


def _fragment(words: Words, family: Family) -> Condition:
    """Later fragments; conntrack has put packets together before any rule of a filter sees them."""
    del family
    return Always(never=not words.negated)


def _nothing(words: Words, family: Family) -> Condition:
    """An option that only narrows another one in a way that a query from outside always meets."""
    del words, family
    return Always()


#: By the option; what is not here is not understood, or is seen to by the reader of rules.
OPTIONS: Mapping[str, Reader] = {
    "-s": _address("saddr"),
    "-d": _address("daddr"),
    "-i": _interface("in"),
    "-o": _interface("out"),
    "-p": _protocol,
    "-f": _fragment,
    "--dport": _ports("dport"),
    "--sport": _ports("sport"),
    "--dports": _ports("dport"),
    "--sports": _ports("sport"),
    "--ports": _ports("sport", "dport"),
    "--src-range": _range("saddr"),
    "--dst-range": _range("daddr"),
    "--ctstate": _states,
    "--state": _states,
    "--src-type": _type("source"),
    "--dst-type": _type("destination"),
    "--limit-iface-in": _nothing,
    "--pkt-type": _cast,
    "--mark": _mark,
}
