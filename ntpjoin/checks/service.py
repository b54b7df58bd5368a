"""Does the daemon run, will it after a reboot, and does it read our file? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Optional

from ntpjoin.checks.advice import OwnFile
from ntpjoin.checks.lines import lines, places, read_lines, somebodys
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
            # A set-up would not go with a configuration of somebody's own.
            by_hand = f"{to_type('enable', row.unit)}; {to_type('start', row.unit)}"
            remedy = f"{to_type('unmask', row.unit)}; {by_hand if somebodys(facts, row) else 'ntpjoin setup'}"
        if daemon and any(holder.pid == daemon.pid for holder in facts.holders or ()):
            why += f", but another ntpd does, and holds UDP 123 (process {daemon.pid})"
            remedy = f"kill {daemon.pid}; {remedy}"
        yield Check("service.running", FAIL, f"{row.unit} does not run{why}", remedy)
        return
    yield Check("service.running", OK, f"{row.unit} runs")
    enabled = unit.enabled == "enabled"
    text = f"{row.unit} starts at boot" if enabled else f"{row.unit} is {unit.enabled}: it would not start at boot"
    masked = f"{to_type('unmask', row.unit)}; " if unit.load == "masked" else ""
    remedy = "" if enabled else masked + to_type("enable", row.unit)
    yield Check("service.enabled", OK if enabled else FAIL, text, remedy)
    yield _reads(facts, daemon, unit, row)
    yield from _file(facts, row)
    yield from _dhcp(facts, row)
    yield _port(facts, row)


def _port(facts: Facts, row: Row) -> Check:
    """Whether the daemon holds the port that clients ask."""
    daemon, holders = facts.daemon, facts.holders
    if holders is None:
        return Check("service.port", UNKNOWN, "who holds UDP 123 can only be seen by root", "sudo ntpjoin verify")
    if daemon is not None and any(holder.pid == daemon.pid for holder in holders):
        return Check("service.port", OK, "ntpd holds UDP 123")
    others = ", ".join(dict.fromkeys(f"{holder.program} (process {holder.pid})" for holder in holders))
    text = f"ntpd does not hold UDP 123, but {others} does" if others else "ntpd does not hold UDP 123, and nobody does"
    where = f"ss -ulpn 'sport = 123'; {to_type('definition', row.unit)}"
    return Check("service.port", FAIL, text, f"look at: {where}; then: {to_type('restart', row.unit)}")


def _reads(facts: Facts, daemon: Optional[Daemon], unit: Unit, row: Row) -> Check:
    if daemon is None:
        text = f"{row.unit} runs, but no process of it is {row.daemon}"
        if facts.system.root:
            return Check("service.config", FAIL, text, to_type("status", row.unit))
        text += ", or this user may not see it (hidepid, proc(5))"
        return Check("service.config", FAIL, text, "sudo ntpjoin verify")
    if daemon.pid != unit.pid:
        text = f"the process of {row.unit} ({unit.pid}) is not ntpd, but {daemon.pid} is"
        return Check("service.config", FAIL, text, to_type("status", row.unit))
    if daemon.config != row.config:
        text = f"ntpd reads {daemon.config}, not {row.config}"
        where = " or ".join([*(one.path for one in row.dhcp[-1:]), f"what {to_type('definition', row.unit)} shows"])
        restart = to_type("restart", row.unit)
        if daemon.config == row.dhcp_config:
            return Check("service.config", FAIL, text, _ignoring(facts, row, restart))
        return Check("service.config", FAIL, text, f"take `-c {daemon.config}` out of {where}, then: {restart}")
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
    elif there and not there.plain:
        text = f"{row.config} is no longer the file that was written: it is not a plain file"
        remedy = f"look at it: ls -l {row.config}; put a file in its place, then: ntpjoin setup"
        yield Check("service.file", WARN, text, remedy)
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
    lacking = _lacking(facts, row)
    if not lacking:
        where = ", ".join(f"{one.key} in {one.path}" for one in row.dhcp)
        yield Check("service.dhcp", OK, f"DHCP cannot replace the configuration ({where})")
    elif facts.dhcp_config:
        text = f"once started again ntpd would read {row.dhcp_config}"
        yield Check("service.dhcp", FAIL, text, _ignoring(facts, row))
    else:
        text = f"DHCP may replace the configuration ({lacking[0].key} is not set in {lacking[0].path})"
        yield Check("service.dhcp", WARN, text, _ignoring(facts, row))


def _ignoring(facts: Facts, row: Row, *then: str) -> str:
    """Who has a configuration of his own need not give it up for a line in another file."""
    wanted = (f"write {settings.assignment(one.key, one.value)} into {one.path}" for one in _lacking(facts, row))
    return OwnFile(facts, row).or_ours("; ".join((*wanted, *then)))


def _lacking(facts: Facts, row: Row) -> list[Setting]:
    return [one for one in row.dhcp if not _is_set(facts, one)]


def _is_set(facts: Facts, setting: Setting) -> bool:
    there = facts.files.get(setting.path)
    return there is not None and settings.value(there.content, setting.key) == setting.value


#: Where the daemon found an error: NTPsec tells it twice, with the file and with the reason, and classic ntpd in one line.
_IN_FILE = re.compile(r"syntax error in (?P<path>/\S+) line (?P<line>\d+), column (?P<column>\d+)")
#: NTPsec wants it even where no statistics are kept (ntpd.c); without a `statsdir` line it is one that no package makes.
_STATISTICS = re.compile(r"statistics directory (?P<path>/\S*)")
#: What classic ntpd says of a name that DNS does not know: it follows one source less until it is started again.
_GIVEN_UP = re.compile(r"giving up resolving host (?P<name>[^\s:]+)")


def log(complaints: tuple[str, ...], facts: Facts, row: Row) -> Iterator[Check]:
    """What the daemon has said of its configuration, each once, for it says some of each line; nothing where it said nothing."""
    where, known = to_type("log", row.unit), read_lines(facts, row) is not None
    placed = {complaint: found for complaint in complaints if (found := _IN_FILE.search(complaint))}
    told = tuple(f"line {found['line']} column {found['column']} syntax error" for found in placed.values())
    for complaint in dict.fromkeys(complaints):
        found, statistics = placed.get(complaint), _STATISTICS.search(complaint)
        given_up = _GIVEN_UP.search(complaint)
        if found is None and complaint.startswith(told):
            continue
        remedy = f"ntpjoin lint names the line; if it names none: {where}" if known else where
        if found and (found["path"] != row.config or somebodys(facts, row)):
            remedy = f"mend or take line {found['line']} out of {found['path']}, then: {to_type('restart', row.unit)}"
        elif statistics and known:
            remedy = _with_statistics(statistics["path"], facts, row)
        elif given_up:
            remedy = _with_names(given_up["name"], facts, row)
        yield Check("service.log", WARN, f"ntpd complains: {complaint}", remedy)


def _with_names(name: str, facts: Facts, row: Row) -> str:
    """Where the name stands; a name that DNS knows by now needs no more than a start."""
    named = [line for line in lines(facts, row) if name in line.words[1:]]
    mended = f"mend {name} in {places(named, 'of')}, or take that out" if named else f"mend {name} in your own lines"
    return f"{mended}; then, or where DNS knows it by now: {to_type('restart', row.unit)}"


def _with_statistics(path: str, facts: Facts, row: Row) -> str:
    """A line for the folder that is there for them; where that is the one, the folder."""
    named = [line for line in lines(facts, row) if line.words[0] == "statsdir"]
    advice, line, identity = OwnFile(facts, row), f"`statsdir {row.stats}`", facts.surroundings.identity
    if path.rstrip("/") != row.stats.rstrip("/"):
        return advice.edited(f"write {line} in place of", named[-1]) if named else advice.written(line)
    user, _, group = (identity.owner if identity else f"{row.user}:{row.user}").partition(":")
    return f"install -d -o {user} -g {group} {row.stats}; {to_type('restart', row.unit)}"
