"""Who may ask the daemon what: its restrict lines, put together as it does it. Pure.

Tried on NTPsec 1.2.2 and classic ntpd 4.2.8p15: lines for the same network add up, the narrowest network decides, and of the lines
for `source` the last one counts. NTPsec knows 10.0.0.0/8 and `unrestrict`, which takes flags away or the whole entry, but nothing
except its flags from the default; classic ntpd skips such lines, and takes whole entries away by `delrestrict` (4.2.8p18).
A line with `ntpport` is an entry of its own, for who asks from port 123 (ntp_restrict.c of both): most clients never meet it.
"""

from __future__ import annotations

import ipaddress
import re
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

#: What a member gives to the world and to its upstreams: the time, and nothing else. NTPsec takes nopeer and notrap, and complains of
#: both; one `default` counts for both families (ntp.conf(5) of each; tried on 4.2.8p15, NTPsec 1.2.2 and 1.2.3).
TO_THE_WORLD: dict[Engine, tuple[str, ...]] = {
    "ntpsec": ("default kod limited nomodify noquery", "source nomodify noquery"),
    "classic": (
        "-4 default kod limited nomodify nopeer noquery notrap",
        "-6 default kod limited nomodify nopeer noquery notrap",
        "source nomodify noquery notrap",
    ),
}

#: Flags that leave a management query, or a client's request, without an answer.
DEAF_TO_QUERIES = frozenset({"noquery", "ignore"})
DEAF_TO_CLIENTS = frozenset({"noserve", "ignore", "notrust"})
#: Those by which not each client gets one, too: only those of version 4, nine of ten lost (flake).
NOT_FOR_ALL = DEAF_TO_CLIENTS | {"version", "flake"}

#: What takes entries away.
_TAKING: dict[Engine, str] = {"ntpsec": "unrestrict", "classic": "delrestrict"}


@dataclass(frozen=True)
class Entry:
    """The flags that hold for a network, and the lines that made them."""

    flags: frozenset[str]
    lines: tuple[Directive, ...] = ()

    def lacking(self, flag: str) -> tuple[Directive, ...]:
        """Why it has not this flag: the line that took it away, else all that made it."""
        took = [line for line in self.lines if line.words[0] != "restrict" and flag in line.words]
        return tuple(took[-1:]) or self.lines

    def giving(self, flags: frozenset[str]) -> tuple[Directive, ...]:
        """The lines from which it has one of these flags."""
        return tuple(line for line in self.lines if line.words[0] == "restrict" and flags & set(line.words))


class Access:
    """All entries after the last line; `sources` is for whom the daemon itself asks, `named` are lines for names.

    `odd` are lines that are about others than they seem to be, and why.
    """

    def __init__(self, engine: Engine, directives: Iterable[Directive]) -> None:
        self.entries: dict[Network, Entry] = {network: Entry(_BUILT_IN[engine]) for network in WORLD}
        self.engine = engine
        self.sources = Entry(frozenset())
        self.named: tuple[Directive, ...] = ()
        self.odd: tuple[tuple[Directive, str], ...] = ()
        self._taken_out: dict[Network, Directive] = {}
        for directive in directives:
            known = directive.words[0] in ("restrict", _TAKING[engine]) and len(directive.words) > 1
            if known and "ntpport" not in directive.words:
                self._take(directive)

    def of(self, network: Network) -> Entry:
        """What counts for a network that a line is about: its entry; for any other the narrowest entry around its first address."""
        if network in self.entries:
            return self.entries[network]
        address = network.network_address
        around = [known for known in self.entries if known.version == network.version and address in known]
        entry = self.entries[max(around, key=lambda known: known.prefixlen)]
        taken = self._taken_out.get(network)
        return Entry(entry.flags, (*entry.lines, taken)) if taken else entry

    def of_source(self, address: Network) -> Entry:
        """What counts for a server that the daemon asks: what `restrict source` says, where that makes an exception for it.

        Classic ntpd makes one for each source, NTPsec only where it could not be heard for `ignore` or `notrust`; a line for its very
        address goes before (restrict_source of both).
        """
        entry = self.of(address)
        return self.sources if self._excepts(entry) and address not in self.entries else entry

    def of_named(self, name: str) -> Entry:
        """What counts for a server that the daemon asks by its name, as far as that is known before anybody looks it up.

        Lines for the name itself go before `restrict source`, as those for an address do.
        """
        own = tuple(line for line in self.named if name.lower() in {word.lower() for word in line.words[1:3]})
        if own:
            return Entry(frozenset(word for line in own for word in line.words[2:]), own)
        return self.for_sources or Entry(frozenset())

    @property
    def for_sources(self) -> Optional[Entry]:
        """What `restrict source` says, where it makes an exception for anybody who falls under a default."""
        return self.sources if any(self._excepts(self.entries[network]) for network in WORLD) else None

    def _excepts(self, entry: Entry) -> bool:
        """Whether `restrict source` goes before this entry."""
        needed = self.engine == "classic" or entry.flags & {"ignore", "notrust"}
        return bool(self.sources.lines and needed)

    def _take(self, directive: Directive) -> None:
        words = [word for word in directive.words[1:] if word not in ("-4", "-6")]
        mask = words[2] if words[1:2] == ["mask"] and len(words) > 2 else ""
        flags = frozenset(words[3 if mask else 1 :])
        if not words:
            return
        if words[0] == "source":
            self.sources = Entry(flags, (directive,))
            return
        if self._skips(directive, words[0], mask):
            return
        networks, why = _networks(words[0], mask, directive.words)
        if why:
            self.odd = (*self.odd, (directive, why))
        elif not networks and directive.words[0] == "restrict":
            self.named = (*self.named, directive)
        for network in networks:
            if directive.words[0] == "restrict":
                was = self.entries.get(network, Entry(frozenset()))
                self.entries[network] = Entry(was.flags | flags, (*was.lines, directive))
            elif flags and network in self.entries:
                was = self.entries[network]
                self.entries[network] = Entry(was.flags - flags, (*was.lines, directive))
            elif not flags and network not in WORLD and network in self.entries:
                del self.entries[network]
                self._taken_out[network] = directive

    def _skips(self, directive: Directive, name: str, mask: str) -> bool:
        """Whether the engine complains of the line and goes on without it."""
        if self.engine == "classic":
            return "/" in name
        return bool(mask) and bool({"-4", "-6"} & set(directive.words))


def _networks(name: str, mask: str, words: tuple[str, ...]) -> tuple[tuple[Network, ...], str]:
    """The networks that a line is about, none for a name, which only the resolver knows; and why they are not what they seem."""
    if name in ("default", "localhost"):
        both = WORLD if name == "default" else LOOPBACK
        return tuple(one for one in both if not ({"-4", "-6"} & set(words)) or f"-{one.version}" in words), ""
    text, slash, length = name.rpartition("/") if "/" in name else (name, "", "")
    try:
        address = ipaddress.ip_address(text)
        bits = ipaddress.ip_address(mask) if mask else None
    except ValueError:
        return (), ""
    most = address.max_prefixlen
    taken = _LENGTH.match(length)
    if taken and 0 < int(taken[0]) <= most:
        return (_network(address, int(taken[0])),), ""
    if bits is None:
        alone = f"`{name}`: NTPsec takes no such length, and the line is about {text} alone" if slash else ""
        return (_network(address, most),), alone
    ones = _leading_ones(int(bits), most)
    if ones is None or bits.version != address.version:
        return (
            (),
            f"`{mask}` is no network's mask, but is laid over each address bit by bit: whom it fits is not judged",
        )
    return (_network(address, ones),), ""


#: How many bits of an address count, as NTPsec reads it (ntp_config.c, fix_node_cidr).
_LENGTH = re.compile(r"[0-9]{1,9}")


def _network(address: Union[ipaddress.IPv4Address, ipaddress.IPv6Address], length: int) -> Network:
    kind = ipaddress.IPv4Network if address.version == 4 else ipaddress.IPv6Network
    return kind((int(address), length), strict=False)


def _leading_ones(mask: int, size: int) -> Optional[int]:
    """How many ones a mask begins with; None where there are others behind them."""
    zeros = mask ^ ((1 << size) - 1)
    return None if zeros & (zeros + 1) else size - zeros.bit_length()
