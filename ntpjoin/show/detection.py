"""What a host is, as text for people and as one page of JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Optional

from ntpjoin.facts import Facts, FileFact, Unit
from ntpjoin.look.detect import Detection
from ntpjoin.show.terminal import Style

#: Whose a file is, as JSON has it and in words.
_WHOSE = {
    "package": "the package's own",
    "ours": "written by ntpjoin",
    "operator": "somebody's own",
    "daemon": "the daemon's own",
}


def text(found: Detection, style: Style) -> str:
    """One line a thing, last what could not be seen."""
    lines = [f"{name:<12} {words}" for name, words in _lines(found)]
    return "\n".join([*lines, *(f"{style.mark('?', '36')} {words}" for words in found.unknown)])


def _lines(found: Detection) -> Iterator[tuple[str, str]]:
    facts, system = found.facts, found.facts.system
    yield "system", f"{system.title}: {f'supported, row {system.row.name}' if system.row else 'not supported'}"
    yield "machine", ", ".join(_machine(found))
    yield "packages", ", ".join(_packages(found))
    yield "ntpd", ", ".join(_ntpd(found))
    if found.daemon:
        yield "reads", found.daemon.config or "unknown: its command line names no file"
    for role, path in _files(facts):
        yield role, f"{path}: {_file(role, facts.files.get(path), facts)}"
    yield "firewall", _firewall(facts)
    for rival, unit in found.rivals:
        version = facts.packages.installed.get(rival.package, "")
        yield "time daemon", f"{unit.name.removesuffix('.service')}{' ' + version if version else ''}: {_state(unit)}"
    for setter in facts.setters:
        yield "sets clock", f"{setter.what} ({setter.where})"
    yield "UDP 123", _holders(facts)
    yield "addresses", ", ".join(facts.addresses) or "none of global scope"


def _machine(found: Detection) -> Iterator[str]:
    system = found.facts.system
    yield system.init or "an init that is not known"
    if system.container:
        yield f"a container ({system.container})"
    elif found.virtualisation:
        yield "on bare metal" if found.virtualisation == "none" else f"virtual ({found.virtualisation})"
    yield "may set its clock" if system.may_set_clock else "may not set its clock"
    yield "seen as root" if system.root else "seen without root"


def _packages(found: Detection) -> Iterator[str]:
    yield found.manager or "no package manager that is known"
    row = found.facts.system.row
    for name in row.packages if row else ():
        version = found.facts.packages.installed.get(name)
        yield f"{name} {version}" if version else f"{name} is not installed"


def _ntpd(found: Detection) -> Iterator[str]:
    yield f"{found.engine} {found.version}" if found.engine else "not installed"
    if found.unit.exists:
        yield f"{found.unit.name} {_state(found.unit)}"
    if found.daemon:
        yield f"process {found.daemon.pid}"


def _state(unit: Unit) -> str:
    words = "runs" if unit.running else "does not run"
    words += f" and is {unit.enabled}" if unit.enabled else ""
    return words + (", held back until it is configured" if unit.held else "")


def _files(facts: Facts) -> Iterator[tuple[str, str]]:
    row = facts.system.row
    if row:
        yield from (("config", row.config), ("include", row.include), ("drift", row.drift))


def _whose(role: str, file: FileFact, facts: Facts) -> Optional[str]:
    """Whose a file is; None where that cannot be told without the journal."""
    if role == "drift":
        return "daemon"
    if file.unseen or (facts.journal.unseen and not file.stock):
        return None
    return "package" if file.stock else "ours" if file.ours else "operator"


def _file(role: str, file: Optional[FileFact], facts: Facts) -> str:
    if file is None:
        return "not there"
    whose = _whose(role, file, facts)
    return "not a plain file" if not file.plain else _WHOSE[whose] if whose else "there, whose is unknown"


def _firewall(facts: Facts) -> str:
    seen = facts.firewall
    if seen.manager in ("none", "unknown"):
        return {"none": "none is active", "unknown": "unknown"}[seen.manager]
    words = {True: "gets in", False: "does not get in", None: "unknown"}
    families = ", ".join(f"{family} {words[seen.lets_in(family)]}" for family in seen.admits)
    zones = f", zone {' and '.join(seen.places.now)}" if seen.places else ""
    return f"{seen.manager} is active{zones}; UDP 123: {families}"


def _holders(facts: Facts) -> str:
    if facts.holders is None:
        return "held, by whom is unknown"
    holders = dict.fromkeys(f"{holder.program} (process {holder.pid})" for holder in facts.holders)
    return f"held by {', '.join(holders)}" if holders else "held by nobody"


def page(found: Detection) -> dict[str, Any]:
    """The same for programs; null: could not be seen, or there is none."""
    facts, system = found.facts, found.facts.system
    versions = facts.packages.installed if system.row else None
    return {
        "os": {
            **{name: getattr(system, name) for name in ("title", "id", "version", "codename", "init")},
            "row": system.row.name if system.row else None,
        },
        "machine": {
            "virtualisation": found.virtualisation or None,
            "container": system.container or None,
            "may_set_clock": system.may_set_clock,
            "root": system.root,
            "addresses": list(facts.addresses),
        },
        "package_manager": found.manager or None,
        "ntpd": _ntpd_page(found),
        "files": [_file_page(role, path, facts) for role, path in _files(facts)],
        "firewall": {
            "manager": facts.firewall.manager,
            "zones": list(facts.firewall.places.now) if facts.firewall.places else [],
            "admits": {family: facts.firewall.lets_in(family) for family in facts.firewall.admits},
        },
        "time_daemons": [
            {
                "unit": unit.name,
                "package": rival.package or None,
                "version": versions.get(rival.package) if versions is not None else None,
                "running": unit.running,
                "enabled": unit.enabled,
            }
            for rival, unit in found.rivals
        ],
        "setters": [dataclasses.asdict(setter) for setter in facts.setters],
        "udp_123": None if facts.holders is None else [dataclasses.asdict(holder) for holder in facts.holders],
        "unknown": list(found.unknown),
    }


def _ntpd_page(found: Detection) -> dict[str, Any]:
    row, unit, daemon = found.facts.system.row, found.unit, found.daemon
    installed = found.facts.packages.installed
    return {
        "engine": found.engine,
        "version": found.version or None,
        "packages": [{"name": name, "version": installed.get(name)} for name in (row.packages if row else ())],
        "unit": unit.name if unit.exists else None,
        "running": unit.running,
        "enabled": unit.enabled or None,
        "held": unit.held,
        "pid": daemon.pid if daemon else None,
        "reads": (daemon.config or None) if daemon else None,
    }


def _file_page(role: str, path: str, facts: Facts) -> dict[str, Any]:
    file = facts.files.get(path)
    return {
        "role": role,
        "path": path,
        "exists": file is not None,
        "whose": _whose(role, file, facts) if file else None,
    }
