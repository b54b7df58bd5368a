"""Does the daemon have a list of leap seconds that it believes, and for how long? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.checks.advice import OwnFile
from ntpjoin.facts import Facts
from ntpjoin.model import Check, CheckState, Measure
from ntpjoin.surroundings import READ, Identity, Leapfile
from ntpjoin.systems import Row, to_manage

OK, WARN, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.UNKNOWN

#: A new list comes out half a year before the old one expires, so whoever upgrades now and then never gets so near.
_SOON_DAYS = 28
#: Where the tz database's own copy lies, for whoever's distribution has none.
_SOURCE = "https://data.iana.org/time-zones/tzdb/leap-seconds.list"


def leapfile(facts: Facts, row: Row) -> Iterator[Check]:
    """One check; nothing where there is no configuration, or where none of the lines that could be read names a list."""
    file, config = facts.surroundings.leapfile, facts.files.get(row.config)
    if file is None:
        if config and config.unseen:
            yield Check(
                "leapfile",
                UNKNOWN,
                "which list of leap seconds ntpd reads can only be seen by root",
                "sudo ntpjoin verify",
            )
        return
    if file.line and file.place is None and not facts.system.root:
        text = f"whether there is {file.path} can only be seen by root"
        yield Check("leapfile", UNKNOWN, text, "sudo ntpjoin verify")
    elif file.line:
        yield named(file, row, facts.surroundings.identity)
    elif config and config.plain and not facts.unread:
        yield unnamed(file, OwnFile(facts, row).written(f"`leapfile {file.path}`"))


def unnamed(file: Leapfile, remedy: str) -> Check:
    """Without a list the daemon does what most of its upstreams say, and where the system has none that is well."""
    if file.valid and file.days is not None and file.days >= 0:
        text = f"no line names {file.path}, which has the leap seconds until {file.expires}: ntpd only knows them from its upstreams"
        return Check("leapfile", WARN, text, remedy)
    why = "has expired" if file.valid else "has no right hash" if file.place else "is not there"
    return Check("leapfile", OK, f"ntpd learns of leap seconds from its upstreams: {file.path} {why}")


def named(file: Leapfile, row: Row, identity: Optional[Identity]) -> Check:
    """The file that a line names, as `identity` reads it, where it is known as whom the daemon runs."""
    shipped = file.path == row.leapfile
    other = f"name another file, or none, instead ({file.line})"
    days = file.days
    if file.place is None:
        text = f"there is no {file.path}, from which ntpd is to learn of leap seconds"
        return Check("leapfile", WARN, text, to_manage("restore", row.manager, row.leap_package) if shipped else other)
    if identity and not identity.may(file.place, READ):
        text = f"ntpd, as {identity.owner.partition(':')[0]}, may not read {file.path} ({file.place.owner}, {file.place.mode:04o})"
        return Check("leapfile", WARN, text, f"chmod a+r {file.path}")
    if not file.valid or days is None:
        text = f"{file.path} is no list of leap seconds with a right hash, so ntpd does not believe it"
        return Check("leapfile", WARN, text, _renewed(file, row, "restore"))
    measure = Measure(days, warn=_SOON_DAYS, falls=True)
    if days >= _SOON_DAYS:
        return Check(
            "leapfile", OK, f"ntpd knows the leap seconds until {file.expires}, from {file.path}", measure=measure
        )
    when = f"has expired on {file.expires}" if days < 0 else f"expires on {file.expires}"
    whose = f"; a newer {row.leap_package} brings a new one" if shipped else ""
    text = f"{file.path} {when}: from then on ntpd knows of a leap second only by its upstreams{whose}"
    return Check("leapfile", WARN, text, _renewed(file, row, "upgrade"), measure)


def _renewed(file: Leapfile, row: Row, act: str) -> str:
    """The package's own file comes with the package; any other, and where the package has none, from where the package has it."""
    fetch = f"curl -fo {file.path} {_SOURCE}"
    if file.path != row.leapfile:
        return fetch
    return f"{to_manage(act, row.manager, row.leap_package)}; if that brings none: {fetch}"
