"""Does the daemon run, will it after a reboot, and does it read our file? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.facts import Daemon, Facts, Unit
from ntpjoin.host import settings
from ntpjoin.host.distros import ROWS
from ntpjoin.model import Check, CheckState
from ntpjoin.systems import Row, Setting, to_type

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


def service(facts: Facts, row: Row) -> Iterator[Check]:
    """The unit, the file that its process reads, and the port."""
    unit, daemon = facts.unit(row.unit), facts.daemon
    if not unit.running:
        why = (
            ": it is held back until it is configured" if unit.held else "" if unit.exists else ": it is not installed"
        )
        remedy = to_type("start", row.unit) if unit.exists and not unit.held else "ntpjoin setup"
        if unit.load == "masked":
            remedy = f"{to_type('unmask', row.unit)}; ntpjoin setup"
        yield Check("service.running", FAIL, f"{row.unit} does not run{why}", remedy)
        return
    yield Check("service.running", OK, f"{row.unit} runs")
    enabled = unit.enabled == "enabled"
    text = f"{row.unit} starts at boot" if enabled else f"{row.unit} is {unit.enabled}: it would not start at boot"
    yield Check("service.enabled", OK if enabled else FAIL, text, "" if enabled else to_type("enable", row.unit))
    yield _reads(daemon, unit, row)
    yield from _file(facts, row)
    yield from _dhcp(facts, row)
    if facts.holders is None:
        yield Check("service.port", UNKNOWN, "who holds UDP 123 can only be seen by root")
    else:
        holds = daemon is not None and any(holder.pid == daemon.pid for holder in facts.holders)
        yield Check(
            "service.port", OK if holds else FAIL, "ntpd holds UDP 123" if holds else "ntpd does not hold UDP 123"
        )


def _reads(daemon: Optional[Daemon], unit: Unit, row: Row) -> Check:
    if daemon is None:
        return Check("service.config", FAIL, f"{row.unit} runs, but no process of it is {row.daemon}")
    if daemon.pid != unit.pid:
        text = f"the process of {row.unit} ({unit.pid}) is not ntpd, but {daemon.pid} is"
        return Check("service.config", FAIL, text, to_type("status", row.unit))
    if daemon.config != row.config:
        return Check("service.config", FAIL, f"ntpd reads {daemon.config}, not {row.config}", "ntpjoin setup")
    return Check("service.config", OK, f"ntpd reads {row.config}")


def _file(facts: Facts, row: Row) -> Iterator[Check]:
    """Whether the file is still the one that was written; told where one was."""
    there = facts.files.get(row.config)
    if row.config not in facts.journal.written:
        yield from _moved(facts, row)
        return
    if there and there.unseen:
        return
    if there and there.ours:
        yield Check("service.file", OK, f"{row.config} is as it was written")
    elif there and there.stock:
        text = f"{row.config} is the package's own again: the package manager replaced ours"
        yield Check("service.file", FAIL, text, "ntpjoin setup")
    else:
        what = "was edited since it was written" if there else "is gone"
        yield Check("service.file", WARN, f"{row.config} {what}", "ntpjoin plan --replace shows what differs")


def _moved(facts: Facts, row: Row) -> Iterator[Check]:
    """An upgrade of the distribution may bring another engine, which reads another file: Debian 12 did."""
    ours = sorted({one.config for one in ROWS} & set(facts.journal.written))
    if ours:
        text = f"ntpd reads {row.config} now; {ours[0]}, which was written, is no longer read"
        yield Check("service.file", FAIL, text, "ntpjoin setup")


def _dhcp(facts: Facts, row: Row) -> Iterator[Check]:
    """Whether the daemon will still read our file after its next start, whatever DHCP says."""
    if not row.dhcp:
        return
    lacking = [one for one in row.dhcp if not _is_set(facts, one)]
    if not lacking:
        where = ", ".join(f"{one.key} in {one.path}" for one in row.dhcp)
        yield Check("service.dhcp", OK, f"DHCP cannot replace the configuration ({where})")
    elif facts.dhcp_config:
        yield Check("service.dhcp", FAIL, f"once started again ntpd would read {row.dhcp_config}", "ntpjoin setup")
    else:
        text = f"DHCP may replace the configuration ({lacking[0].key} is not set in {lacking[0].path})"
        yield Check("service.dhcp", WARN, text, "ntpjoin setup")


def _is_set(facts: Facts, setting: Setting) -> bool:
    there = facts.files.get(setting.path)
    return there is not None and settings.value(there.content, setting.key) == setting.value


def log(complaints: tuple[str, ...], row: Row) -> Iterator[Check]:
    """What the daemon has said of its configuration; nothing where it said nothing."""
    for complaint in complaints:
        yield Check("service.log", WARN, f"ntpd complains: {complaint}", to_type("log", row.unit))
