"""Who may ask the daemon what: its restrict lines, put together as it does it. Pure.

Tried on NTPsec 1.2.2: lines for the same network add up, the narrowest network decides, `unrestrict` takes flags away or the whole
entry, and nothing but its flags can be taken from the default.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Optional, Union

from ntpjoin.facts import Directive
from ntpjoin.records import dataclass
from ntpjoin.systems import Engine

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

WORLD: tuple[Network, ...] = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128"))

#: What an engine starts with (NTPsec: ntp.h, RES_Default).
_BUILT_IN: dict[Engine, frozenset[str]] = {"ntpsec": frozenset({"noquery", "limited"}), "classic": frozenset()}

#: Flags that leave a management query, or a client's request, without an answer.
DEAF_TO_QUERIES = frozenset({"noquery", "ignore"})
DEAF_TO_CLIENTS = frozenset({"noserve", "ignore"})


@dataclass(frozen=True)
class Entry:
    """The flags that hold for a network, and the lines that made them."""

    flags: frozenset[str]
    lines: tuple[Directive, ...] = ()


class Access:
    """All entries after the last line; `sources` is for whom the daemon itself asks."""

    def __init__(self, engine: Engine, directives: Iterable[Directive]) -> None:
        self.entries: dict[Network, Entry] = {network: Entry(_BUILT_IN[engine]) for network in WORLD}
        self.sources = Entry(frozenset())
        self._taken_out: dict[Network, Directive] = {}
        for directive in directives:
            if directive.words[0] in ("restrict", "unrestrict") and len(directive.words) > 1:
                self._take(directive)

    def of(self, network: Network) -> Entry:
        """What counts for the first address of a network: the narrowest entry around it."""
        address = network.network_address
        around = [known for known in self.entries if known.version == network.version and address in known]
        entry = self.entries[max(around, key=lambda known: known.prefixlen)]
        taken = self._taken_out.get(network) if network not in self.entries else None
        return Entry(entry.flags, (*entry.lines, taken)) if taken else entry

    def _take(self, directive: Directive) -> None:
        words = [word for word in directive.words[1:] if word not in ("-4", "-6")]
        mask = words[2] if words[1:2] == ["mask"] and len(words) > 2 else ""
        flags = frozenset(words[3 if mask else 1 :])
        if words[0] == "source":
            self.sources = Entry(self.sources.flags | flags, (*self.sources.lines, directive))
        for network in _networks(words[0], mask, directive.words):
            if directive.words[0] == "restrict":
                was = self.entries.get(network, Entry(frozenset()))
                self.entries[network] = Entry(was.flags | flags, (*was.lines, directive))
            elif flags and network in self.entries:
                was = self.entries[network]
                self.entries[network] = Entry(was.flags - flags, (*was.lines, directive))
            elif not flags and network not in WORLD and network in self.entries:
                del self.entries[network]
                self._taken_out[network] = directive


def _networks(name: str, mask: str, words: tuple[str, ...]) -> tuple[Network, ...]:
    """The networks that a line is about; none for a name, which only the resolver knows."""
    if name in ("default", "localhost"):
        both = WORLD if name == "default" else LOOPBACK
        return tuple(one for one in both if not ({"-4", "-6"} & set(words)) or f"-{one.version}" in words)
    found = _network(f"{name}/{mask}" if mask else name)
    return (found,) if found else ()


def _network(text: str) -> Optional[Network]:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        pass
    name, _, mask = text.partition("/")
    try:  # IPv6 masks are written as addresses, which ipaddress does not take
        length = bin(int(ipaddress.IPv6Address(mask))).count("1")
        return ipaddress.ip_network(f"{name}/{length}", strict=False)
    except ValueError:
        return None
