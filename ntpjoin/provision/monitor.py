"""The daily check: what it needs on this host, what is to go where it is not wished for, what stands in its way. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ntpjoin.facts import Facts
from ntpjoin.host.monitor import COPY, FILES, TIMER, UNITS
from ntpjoin.host.services.systemd import unit_file
from ntpjoin.model import Blocker, Wish
from ntpjoin.provision.changes import Change, CopyFile, HaveMetrics, RemoveFile, SetTimer, WriteUnit
from ntpjoin.provision.render import unit_text

#: Words that mean themselves in a unit file: no blank, quote, % or $.
_PLAIN = re.compile(r"[A-Za-z0-9/._+@-]+")


def monitor_changes(facts: Facts, wish: Wish) -> tuple[Change, ...]:
    """The timer with all that it needs, where it is wished for; and what earlier runs wrote for it and it does not need goes."""
    if facts.system.init != "systemd":
        return ()
    wanted = _wanted(facts, wish) if wish.monitor else ()
    needed = {change.object for change in wanted} | {facts.program.archive}
    known = (*FILES, *facts.journal.metrics)
    written = [path for path in known if path in facts.journal.written and facts.files.get(path)]
    gone = [path for path in reversed(written) if not wish.monitor or path not in needed]
    return (*wanted, *_ended(gone), *(RemoveFile(path, _unit_of(path), path not in FILES) for path in gone))


def monitor_blockers(facts: Facts, wish: Wish) -> Iterator[Blocker]:
    """Why nobody would check daily."""
    if not wish.monitor:
        return
    if facts.system.init == "init scripts":
        remedy = "add --no-monitor, and have cron call: ntpjoin verify --strict --quiet"
        yield Blocker("monitor", "a daily check needs the timers of systemd, which does not run this host", remedy)
    elif not all(map(_PLAIN.fullmatch, _command(facts))):
        text = (
            f"a unit of systemd cannot start {' '.join(_command(facts))}: it has characters that mean something there"
        )
        yield Blocker("monitor", text, "start ntpjoin with the system's own python3, or add --no-monitor")
    elif not facts.program.archive and not facts.program.lasts:
        text = "this ntpjoin lies where others than root may change it, or where a timer would not find it"
        yield Blocker(
            "monitor", text, "start dist/ntpjoin.pyz instead, which is copied to where it stays; or add --no-monitor"
        )
    folder = str(PurePosixPath(wish.metrics).parent)
    if wish.metrics and not any(space.folder == folder for space in facts.spaces):
        text = f"there is no folder {folder} for the metrics: nobody would collect them"
        yield Blocker("metrics", text, f"set up what collects them first, or: mkdir {folder}; or add --metrics none")


def _wanted(facts: Facts, wish: Wish) -> tuple[Change, ...]:
    program, command = facts.program, _command(facts)
    copied = COPY in command and program.archive != COPY
    return (
        *((CopyFile(program.archive, COPY, program.digest),) if copied else ()),
        *((HaveMetrics(wish.metrics, "", whose="daemon"),) if wish.metrics else ()),
        *(WriteUnit(unit_file(unit), unit_text(unit, command, wish.metrics)) for unit in UNITS),
        SetTimer(TIMER, f"enable and start {TIMER}: a check every day", active=True, enabled=True),
    )


def _command(facts: Facts) -> tuple[str, ...]:
    """What the timer starts: the program that runs now, from where it stays; where there is our copy already, from there."""
    program = facts.program
    if not program.archive:
        return (program.python, "-m", "ntpjoin")
    copied = COPY in facts.journal.written and facts.files.get(COPY) is not None
    stays = program.lasts and not copied and _PLAIN.fullmatch(program.archive)
    return (program.python, program.archive if stays else COPY)


def _ended(gone: list[str]) -> tuple[Change, ...]:
    if unit_file(TIMER) not in gone:
        return ()
    return (SetTimer(TIMER, f"stop and disable {TIMER}", active=False, enabled=False),)


def _unit_of(path: str) -> str:
    """The unit that a file defines, '' for the program."""
    return next((unit for unit in UNITS if unit_file(unit) == path), "")
