"""`ntpjoin undo`: take back what was done, last first."""

from __future__ import annotations

from ntpjoin.commands.common import declined, locked
from ntpjoin.errors import Blocked, UsageProblem
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.journal import Journal
from ntpjoin.host.machine import Host
from ntpjoin.look.daemon import look_billboard
from ntpjoin.provision.changes import from_journal
from ntpjoin.provision.undo import in_effect, undo_runs, wait_for_packages
from ntpjoin.show import jsons, text
from ntpjoin.show.screen import Screen


def undo_command(*, last: bool, yes: bool, screen: Screen) -> int:
    """`ntpjoin undo`: exit 0, or 4 where something was kept or could not be taken back."""
    if not yes and not screen.asks():
        raise UsageProblem("undo asks before it changes anything, and there is nobody to ask", "add --yes")
    host = Host(screen.trace)
    if not host.is_root():
        raise Blocked("this needs root", "type: sudo ntpjoin undo")
    with locked(host), Interrupts(screen.tell) as interrupts:
        runs = in_effect(Journal(host).runs(), last_only=last)
        if not runs:
            screen.answer("Nothing to undo.")
            screen.page(jsons.envelope("undo", 0, taken_back=[]))
            return 0
        live = [(run.number, entry) for run in runs for entry in reversed(run.entries) if entry.in_effect]
        changes = tuple((number, from_journal(entry.kind, entry.fields)) for number, entry in live)
        # Where it cannot be seen how many clients would miss this server, undoing goes on all the same.
        shown = text.undo_plan(changes, look_billboard().clients)
        screen.offer(lambda _: shown, asks=not yes)
        if not yes and not screen.ask("Go ahead?", ""):
            return declined(screen, "undo")
        wait_for_packages(host, (change for _, change in changes), screen.tell)
        with interrupts.deferred("taking back goes on to its end"):
            taken = undo_runs(host, runs, screen.tell)
    code = 0 if all(back.undone.state == "restored" for back in taken) else 4
    screen.answer("\n" + text.undone(taken))
    screen.page(jsons.envelope("undo", code, taken_back=jsons.taken_back(taken)))
    return code
