"""Where a daemon will listen: its `interface` and `nic` lines, followed as it does (ntp_io.c, interface_action). Pure.

Of the lines that fit an address the last one counts. Where there is any line, an address that none fits is left out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Optional

from ntpjoin.checks.access import WORLD, Network
from ntpjoin.checks.addresses import is_private
from ntpjoin.facts import Directive
from ntpjoin.model import Check, CheckState

WARN, FAIL = CheckState.WARN, CheckState.FAIL

#: An interface, '' where it is not known, and an address of it.
Place = tuple[str, str]


def listens(lines: tuple[Directive, ...], places: Sequence[Place]) -> Iterator[Check]:
    """One check where strangers would not be heard. `places` are the public addresses of the host, none where they are not known."""
    rules = tuple(line for line in lines if line.words[0] in ("interface", "nic"))
    told = "; ".join(map(str, rules))
    if not rules:
        return
    deaf = [address for name, address in places if not _hears(rules, ipaddress.ip_network(address), name)]
    if deaf:
        text = f"ntpd will not listen at {' and '.join(deaf)}: {told}"
        remedy = f"write: interface listen {deaf[0]}"
        yield Check("service.listens", FAIL if len(deaf) == len(places) else WARN, text, remedy, lines=rules)
    elif not places and not any(_hears(rules, world, "") for world in WORLD):
        private = [
            line.words[2] for line in rules if line.words[1] == "listen" and _is_of_a_private_network(line.words[2])
        ]
        where = f"at {' and '.join(private)}, where no stranger can ask" if private else "at loopback addresses only"
        remedy = "write, for its public address or the interface that has it: interface listen ADDRESS"
        yield Check(
            "service.listens", WARN if private else FAIL, f"ntpd will listen {where}: {told}", remedy, lines=rules
        )


def _hears(rules: Sequence[Directive], network: Network, interface: str) -> bool:
    """Whether it will hear clients there; of the whole world, whether at some public address it may."""
    for _, action, subject, *_ in (rule.words for rule in reversed(rules)):
        fits = _fits(subject, network, interface)
        if fits or (fits is None and action == "listen"):
            return action == "listen"
    return False


def _fits(subject: str, network: Network, interface: str) -> Optional[bool]:
    """Whether a rule is about it; None where that depends on what is not known."""
    if subject in ("all", "ipv4", "ipv6", "wildcard"):
        return subject in ("all", f"ipv{network.version}")
    named = _network(subject)
    if named is None:
        return (
            fnmatchcase(interface.lower(), subject.lower())
            if interface
            else None
            if not subject.startswith("lo")
            else False
        )
    if network in WORLD:
        public = named.version == network.version and not is_private(named)
        return None if public else False
    return named.version == network.version and named.supernet_of(network)  # type: ignore[arg-type]


def _is_of_a_private_network(subject: str) -> bool:
    named = _network(subject)
    return named is not None and is_private(named) and not named.is_loopback


def _network(subject: str) -> Optional[Network]:
    try:
        return ipaddress.ip_network(subject, strict=False)
    except ValueError:
        return None
