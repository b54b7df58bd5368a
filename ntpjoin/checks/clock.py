"""Who sets this clock beside ntpd? Two that set one clock fight each other, and the clients see it jump. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.facts import Facts
from ntpjoin.model import Check, CheckState
from ntpjoin.systems import Row, to_type


def setters(facts: Facts, row: Row) -> Iterator[Check]:
    """One warning for each that was found."""
    found = list(facts.setters)
    for rival in row.rivals:
        if facts.unit(rival.unit).running:
            yield _warning(f"{rival.package} ({rival.unit} runs)", to_type("retire", rival.unit))
    for one in found:
        yield _warning(f"{one.what} ({one.where})", one.remedy)
    if not found and not any(facts.unit(rival.unit).running for rival in row.rivals):
        if facts.system.root:
            yield Check("clock.setters", CheckState.OK, "nothing else is seen to set this clock")
        else:
            yield Check(
                "clock.setters", CheckState.UNKNOWN, "root's own jobs can only be seen by root", "sudo ntpjoin verify"
            )


def _warning(what: str, remedy: str) -> Check:
    return Check("clock.setters", CheckState.WARN, f"{what} sets this clock, too", remedy)
