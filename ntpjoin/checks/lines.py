"""What the daemon's configuration says, ours and the operator's own files together. Pure."""

from __future__ import annotations

from ntpjoin.facts import Directive, Facts
from ntpjoin.host import ntpconf
from ntpjoin.systems import Row


def lines(facts: Facts, row: Row) -> tuple[Directive, ...]:
    """All directives, in the daemon's order; none of a file that may not be read."""
    config = facts.files.get(row.config)
    ours = ntpconf.directives(row.config, config.content.decode(errors="replace")) if config else ()
    return (*ours, *facts.directives)
