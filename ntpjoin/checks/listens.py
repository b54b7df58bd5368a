"""At which of its addresses does the daemon hear clients? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ntpjoin.checks.addresses import family_of, service_addresses
from ntpjoin.checks.lines import lines
from ntpjoin.facts import Directive, Facts
from ntpjoin.model import Check, CheckState, Wish
from ntpjoin.systems import Row, to_type
from ntpjoin.upstreams.addresses import special_range

OK, WARN, FAIL = CheckState.OK, CheckState.WARN, CheckState.FAIL


def deaf(facts: Facts, wish: Wish) -> frozenset[str]:
    """The service addresses at which the daemon has no socket of its own; none where that cannot be seen, or it has none at all.

    What comes in at the wildcard address it throws away (ntp_io.c of both engines: INT_WILDCARD, "listen and drop on").
    """
    pid = facts.daemon.pid if facts.daemon else None
    held = {holder.address for holder in facts.holders or () if holder.pid == pid}
    return frozenset(service_addresses(facts, wish)) - held if held else frozenset()


def listens(facts: Facts, row: Row, wish: Wish) -> Iterator[Check]:
    """One check. Nothing where the daemon does not hold the port at all, or who holds it cannot be seen: `service.port` tells."""
    addresses, missing = service_addresses(facts, wish), _missing(facts, wish)
    if not addresses or not any(facts.daemon and holder.pid == facts.daemon.pid for holder in facts.holders or ()):
        return
    heard = [address for address in addresses if address not in missing]
    if not missing:
        yield Check("service.listens", OK, f"ntpd listens at {' and '.join(heard)}")
        return
    why, remedy, culprits = _why(facts, row)
    at = " and ".join(address for address in addresses if address in missing)
    if heard:
        text = f"ntpd listens at {' and '.join(heard)}, but not at {at}{why}"
        yield Check("service.listens", WARN, text, remedy, lines=culprits)
    else:
        yield Check("service.listens", FAIL, f"ntpd does not listen at {at}{why}", remedy, lines=culprits)


def _missing(facts: Facts, wish: Wish) -> frozenset[str]:
    """Where clients may ask in vain: at a private address only where no other of its family is heard, as bridges have some, too."""
    missing = deaf(facts, wish)
    heard = {family_of(address) for address in service_addresses(facts, wish) if address not in missing}
    return frozenset(one for one in missing if special_range(one) is None or family_of(one) not in heard)


def _why(facts: Facts, row: Row) -> tuple[str, str, tuple[Directive, ...]]:
    """What told it not to, what ends that, and the lines that did: those, an option, or nothing that is seen."""
    restart = to_type("restart", row.unit)
    named = tuple(line for line in lines(facts, row) if line.words[0] in ("interface", "nic"))
    if named:
        return f": {'; '.join(map(str, named))}", f"take that out, then: {restart}", named
    options = [word for word in (facts.daemon.argv[1:] if facts.daemon else ()) if _is_narrowing(word)]
    if options:
        return (
            f": it was started with {' '.join(options)}",
            f"take that out of what {to_type('definition', row.unit)} names, then: {restart}",
            (),
        )
    return "", restart, ()


def _is_narrowing(word: str) -> bool:
    """Options of ntpd(8) that leave out addresses: -I, -L, and -4 or -6."""
    return bool(re.fullmatch(r"-[46]|--ipv[46]|-[IL].*|--interface.*|--novirtualips", word))
