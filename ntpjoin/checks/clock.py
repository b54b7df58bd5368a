"""Who sets this clock beside ntpd? Two that set one clock fight each other, and the clients see it jump. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.facts import Facts
from ntpjoin.model import Check, CheckState
from ntpjoin.systems import Row, to_type


def setters(facts: Facts, row: Row) -> Iterator[Check]:
    """One warning for each that was found."""
    found = [*_rivals(facts, row), *(_warning(f"{one.what} ({one.where})", one.remedy) for one in facts.setters)]
    if found:
        yield from found
    elif facts.system.root:
        yield Check("clock.setters", CheckState.OK, "nothing else is seen to set this clock")
    else:
        yield Check(
            "clock.setters", CheckState.UNKNOWN, "root's own jobs can only be seen by root", "sudo ntpjoin verify"
        )


def _rivals(facts: Facts, row: Row) -> Iterator[Check]:
    for rival in row.rivals:
        unit = facts.unit(rival.unit)
        leaves = unit.running and unit.pid in facts.harmless
        if unit.exists and not leaves and (unit.running or unit.enabled == "enabled"):
            does = "runs" if unit.running else "starts at boot"
            yield _warning(f"{rival.name} ({rival.unit} {does})", to_type("retire", rival.unit))


def _warning(what: str, remedy: str) -> Check:
    return Check("clock.setters", CheckState.WARN, f"{what} sets this clock, too", remedy)
