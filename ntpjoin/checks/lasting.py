"""Will clients find this server under the same address for years, and what is it called? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Optional

from ntpjoin.checks.addresses import service_addresses
from ntpjoin.facts import Facts
from ntpjoin.model import Check, CheckState, Wish
from ntpjoin.upstreams.addresses import special_range

OK, WARN, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.UNKNOWN

Names = Mapping[str, Optional[tuple[str, ...]]]

#: Words in the names that providers give to addresses which change owners.
_PASSING = frozenset({"dyn", "dynamic", "dynip", "dip", "dip0", "dhcp", "dialup", "dialin", "dial", "ppp", "pppoe"})


def static(facts: Facts, wish: Wish, names: Names) -> Iterator[Check]:
    """One check for all addresses that were only lent, and one for each whose name says so; what was declared is believed."""
    addresses = [one for one in service_addresses(facts, wish) if special_range(one) is None or wish.allow_private]
    declared = [one for one in wish.public_addresses if one in facts.leases and one not in facts.addresses]
    found = [_temporary(address) for address in declared]
    lent = [address for address in addresses if address in facts.leases and address not in wish.public_addresses]
    if lent:
        found.append(_lent(facts, wish, addresses, lent))
    for address in dict.fromkeys([*addresses, *wish.public_addresses]):
        name = next((name for name in names.get(address) or () if _is_passing(name)), "")
        if name and address not in (*lent, *wish.public_addresses):
            found.append(_named(wish, addresses, address, name))
    if found and (facts.journal.unseen or facts.journal.problem):
        why = "can only be read by root" if facts.journal.unseen else "is not known"
        text = f"{found[0].text}; what was declared with --public-address {why}"
        yield Check("answers.static", UNKNOWN, text, facts.journal.remedy or "sudo ntpjoin verify")
    elif found:
        yield from found
    elif addresses or wish.public_addresses:
        believed = [one for one in wish.public_addresses if one not in addresses or one in facts.leases]
        told = f"{' and '.join(believed)}: taken to last, for it was declared with --public-address"
        yield Check("answers.static", OK, told if believed else "no address of this host is only lent")


def _temporary(address: str) -> Check:
    text = f"{address} was declared with --public-address, but is temporary (RFC 8981) or about to go"
    return Check("answers.static", WARN, text, "declare one that lasts: ntpjoin setup --public-address ADDR")


def _lent(facts: Facts, wish: Wish, addresses: list[str], lent: list[str]) -> Check:
    life = min(facts.leases[address] for address in lent)
    text = (
        f"{' and '.join(lent)}: lent for {_span(life)} by DHCP or a router, and the pool wants addresses that stay for years; "
        "many providers always lend the same one"
    )
    return Check("answers.static", WARN, text, _declare(wish, addresses))


def _named(wish: Wish, addresses: list[str], address: str, name: str) -> Check:
    text = f"{address} is called {name}, as addresses are that change owners, and the pool wants such as stay for years"
    return Check("answers.static", WARN, text, _declare(wish, addresses))


def _declare(wish: Wish, addresses: list[str]) -> str:
    """What was declared before has to be said again: an option that is given takes the place of what was remembered."""
    options = " ".join(f"--public-address {one}" for one in dict.fromkeys([*wish.public_addresses, *addresses]))
    return f"have it assigned for good; if it is: ntpjoin setup {options}"


def _span(seconds: int) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"


def _is_passing(name: str) -> bool:
    """Whether one of its words, which stand between dots, hyphens and figures, is of that kind, and none says the contrary."""
    words = set(re.split(r"[.-]", name)) | set(re.split(r"[.0-9-]+", name))
    return bool(words & _PASSING) and "static" not in words


def pointers(facts: Facts, wish: Wish) -> tuple[str, ...]:
    """The addresses whose names in DNS are of interest: public ones, of this host or declared."""
    own = [*service_addresses(facts, wish), *wish.public_addresses]
    return tuple(address for address in dict.fromkeys(own) if special_range(address) is None)


def called(names: Names) -> Iterator[Check]:
    """What each public address is called in DNS; told where there is one to ask for."""
    for address, found in names.items():
        if found:
            yield Check("host.ptr", OK, f"{address} is called {', '.join(found[:3])}")
        elif found is not None:
            text = f"{address} has no name in DNS: none is needed, but who complains of abuse finds you by it"
            yield Check("host.ptr", OK, text)
    untold = [address for address, found in names.items() if found is None]
    if untold:
        text = f"what {' and '.join(untold)} is called in DNS could not be asked"
        yield Check("host.ptr", UNKNOWN, text, "is DNS reachable?")
