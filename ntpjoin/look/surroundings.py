"""What lies around the daemon on its host. Nothing is started for it: the kernel and files tell."""

from __future__ import annotations

import re
from typing import Optional

from ntpjoin.facts import Directive, Facts
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import head, place
from ntpjoin.look.config import main_directives
from ntpjoin.look.confinement import look_confinement
from ntpjoin.look.identity import look_identity, look_replaced
from ntpjoin.look.leapfile import look_leapfile
from ntpjoin.look.virtual import look_machine
from ntpjoin.surroundings import Surroundings, Tracking
from ntpjoin.systems import Row

_TRACKING = "/proc/sys/net/netfilter/nf_conntrack_"


def look_surroundings(host: Host, facts: Facts, row: Row) -> Surroundings:
    """Everything around the daemon whose facts these are."""
    pid = facts.daemon.pid if facts.daemon else None
    directives = _directives(facts, row)
    drift = _drift(directives) if directives is not None else row.drift
    return Surroundings(
        identity=look_identity(host, pid) if pid else None,
        replaced=bool(pid) and look_replaced(host, pid or 0),
        drift=drift,
        drift_folder=place(host, drift.rpartition("/")[0] or "/") if drift else None,
        leapfile=look_leapfile(host, row, directives) if directives is not None else None,
        confinement=look_confinement(host, pid) if pid else None,
        tracking=look_tracking(host),
        machine=look_machine(host, facts.system.container),
    )


def _directives(facts: Facts, row: Row) -> Optional[tuple[Directive, ...]]:
    """All lines that the daemon reads if it reads our file; None where that cannot be seen."""
    config = facts.files.get(row.config)
    if config is None or config.unseen:
        return None
    return (*main_directives(facts, row), *facts.directives)


def _drift(directives: tuple[Directive, ...]) -> str:
    """The drift file that counts: the last that is named."""
    named = [line.words[1] for line in directives if line.words[0] == "driftfile" and len(line.words) > 1]
    return named[-1] if named and named[-1].startswith("/") else ""


def look_tracking(host: Host) -> Optional[Tracking]:
    """How full the table of connections is (nf_conntrack-sysctl.rst); None where the kernel tracks none."""
    told = [head(host, f"{_TRACKING}{name}").strip() for name in ("count", "max")]
    if not all(re.fullmatch("[0-9]{1,18}", word) for word in told):
        return None
    return Tracking(*map(int, told))
