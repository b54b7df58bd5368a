"""Is there a known fault in this ntpd that somebody who may ask it can use? Pure.

A distribution mends its packages without a new number of upstream's: its own package is judged by its revision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Optional

from ntpjoin.checks.access import WORLD, Access
from ntpjoin.checks.lines import lines
from ntpjoin.checks.versions import numbers, revision_key, upstream, version_key
from ntpjoin.facts import Facts
from ntpjoin.model import Check, CheckState
from ntpjoin.records import dataclass
from ntpjoin.systems import Engine, Row, to_manage, to_type

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


@dataclass(frozen=True)
class Known:
    """What is known of a distribution's package: the first revision that `has` the fix, or the last that was seen to `lack` it."""

    has: str = ""
    lack: str = ""


@dataclass(frozen=True)
class Fault:
    """A fault of an engine before `version` of upstream's; `rows` has what is known of the packages of some systems."""

    name: str
    engine: Engine
    version: str
    what: str
    rows: Mapping[str, Known] = field(default_factory=dict)


#: Refused as too frequent is then also what the daemon's own upstreams answer (NEWS of 4.2.8p9); judged where `limited` is in effect.
LIMITS_ITSELF = Fault("CVE-2016-7426", "classic", "4.2.8p9", "`limited` also refuses what its own upstreams answer")

#: Those that a server meets which answers the world; not those of drivers, of keys, of ntpq and of management queries, which nobody
#: may ask here.
FAULTS = (
    # NEWS of 4.2.8p14. Ubuntu's own notices (osv/cve/2020/UBUNTU-CVE-2020-13817.json) list it as open in focal.
    Fault(
        "CVE-2020-13817",
        "classic",
        "4.2.8p14",
        "who may ask it can foresee its packets and shift its clock",
        {"ubuntu-20.04": Known(lack="1:4.2.8p12+dfsg-3ubuntu4.20.04.1")},
    ),
    # NEWS of NTPsec 1.2.2a; DSA-5466 for bookworm; Ubuntu's notices (osv/cve/2023/UBUNTU-CVE-2023-4012.json) for noble.
    Fault(
        "CVE-2023-4012",
        "ntpsec",
        "1.2.2a",
        "a client that asks with NTS makes it crash",
        {"debian-12": Known(has="1.2.2+dfsg1-1+deb12u1"), "ubuntu-24.04": Known(has="1.2.2+dfsg1-2")},
    ),
)

#: What an ntpd that is no package of the system has to be: nobody mends it but upstream. Before 4.2.8p18 classic ntpd leaves clients
#: with a short poll interval without an answer (bug 3870), or has faults of 2023 (NEWS of 4.2.8p16 to p18).
_CURRENT: Mapping[Engine, str] = {"classic": "4.2.8p18", "ntpsec": "1.2.2a"}


@dataclass(frozen=True)
class _Ntpd:
    """The ntpd that runs, or that is installed; `revision` is of the package that it came in, '' where it came in none."""

    engine: Engine
    version: str
    revision: str

    def __str__(self) -> str:
        name = "NTPsec" if self.engine == "ntpsec" else "ntpd"
        return f"{name} {self.version}" + (f" (package {self.revision})" if self.revision else "")

    def before(self, version: str) -> bool:
        return version_key(self.version) < version_key(version)


def release(facts: Facts, row: Row) -> Iterator[Check]:
    """One check, or one for each fault; nothing where no ntpd is there."""
    if facts.surroundings.replaced:
        text = "the ntpd that runs is no longer the one that is installed: it was not restarted after an upgrade"
        yield Check("service.version", WARN, text, to_type("restart", row.unit))
        return
    ntpd = _ntpd(facts, row)
    if ntpd is None:
        return
    found = [*_limits_itself(ntpd, facts, row), *(_faults(ntpd, row) if ntpd.revision else _own_build(ntpd, facts))]
    yield from found or [Check("service.version", OK, f"{ntpd}: no fault is known that its clients could use")]


def _ntpd(facts: Facts, row: Row) -> Optional[_Ntpd]:
    """By its own word, else by its package. They belong together where their numbers are the same."""
    package = facts.packages.installed.get(row.packages[0], "")
    board = facts.daemon.board if facts.daemon else None
    told = re.search(r"ntpd (ntpsec-)?([0-9][0-9a-z.]*)", board.system.version) if board and board.system else None
    if told is None:
        return _Ntpd(row.engine, upstream(package), package) if package else None
    engine: Engine = "ntpsec" if told[1] else "classic"
    same = numbers(upstream(package)) == numbers(told[2])
    return _Ntpd(engine, upstream(package) if same else told[2], package if same else "")


def _limits_itself(ntpd: _Ntpd, facts: Facts, row: Row) -> Iterator[Check]:
    fault = LIMITS_ITSELF
    access = Access(ntpd.engine, lines(facts, row))
    if ntpd.engine == fault.engine and ntpd.before(fault.version) and "limited" in access.of(WORLD[0]).flags:
        remedy = f"take `limited` out of the restrict lines, or have {fault.version} or newer"
        yield Check("service.version", FAIL, f"{ntpd}: {fault.what} ({fault.name})", remedy)


def _faults(ntpd: _Ntpd, row: Row) -> Iterator[Check]:
    """Those of the distribution's own package."""
    package = row.packages[0]
    for fault in FAULTS:
        known = fault.rows.get(row.name, Known())
        if fault.engine != ntpd.engine or not ntpd.before(fault.version):
            continue
        if known.has and revision_key(ntpd.revision) >= revision_key(known.has):
            continue
        if known.has:
            text = f"{ntpd}: {fault.what} ({fault.name}); {known.has} has the fix"
            yield Check("service.version", WARN, text, to_manage("upgrade", row.manager, package))
        elif known.lack and revision_key(ntpd.revision) <= revision_key(known.lack):
            text = f"{ntpd}: {fault.what} ({fault.name}), and {row.title} has no fix"
            yield Check("service.version", WARN, text, "upgrade to a newer release of the system")
        else:
            text = f"{ntpd}: whether the distribution has mended {fault.name} cannot be told by that number"
            yield Check(
                "service.version", UNKNOWN, text, f"look for it in: {to_manage('changes', row.manager, package)}"
            )


def _own_build(ntpd: _Ntpd, facts: Facts) -> Iterator[Check]:
    """An ntpd that somebody built himself; where the packages could not be seen, nobody knows whose it is."""
    current = _CURRENT[ntpd.engine]
    if ntpd.before(current):
        state = WARN if facts.packages.installed else UNKNOWN
        text = f"{ntpd}, which is no package of this system, is older than {current}, which has all fixes"
        yield Check("service.version", state, text, f"build {current} or newer, or have the system's own package")
