"""`ntpjoin plan`, and `--dry-run`: what would be done."""

from __future__ import annotations

from ntpjoin.commands.common import Prepare
from ntpjoin.errors import Blocked
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.show import jsons, text
from ntpjoin.show.screen import Screen


def plan_command(command: str, prepare: Prepare, screen: Screen) -> int:
    """Exit 0, or 3 where something blocks it."""
    with Interrupts():
        made = prepare(Host(screen.trace))
    screen.answer(text.plan(made.facts, made.plan, screen.style, asks=False))
    if not made.plan.blockers:
        difference = text.diffs(made.facts, made.plan.pending(made.facts))
        screen.answer(f"\n{difference}" if difference else "")
    code = Blocked.exit_code if made.plan.blockers else 0
    screen.page(jsons.envelope(command, code, **jsons.plan(made.facts, made.plan)))
    return code
