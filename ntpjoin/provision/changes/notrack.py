"""Keeping NTP out of connection tracking: a table of our own, loaded by a unit of its own; and ending that."""

from __future__ import annotations

import difflib
from typing import ClassVar

from ntpjoin.checks.firewall import taken_from_others
from ntpjoin.facts import Facts
from ntpjoin.firewall import Untracked
from ntpjoin.host.machine import FileState
from ntpjoin.host.netfilter.notrack import TABLE
from ntpjoin.host.services import systemd
from ntpjoin.host.services.manager import services
from ntpjoin.model import Before, Family, Step, Undone
from ntpjoin.provision.changes import timers
from ntpjoin.provision.changes.base import Change, Site
from ntpjoin.provision.changes.files import bring_back, from_json, missing_folders, to_json
from ntpjoin.provision.changes.units import bring_back as bring_back_unit
from ntpjoin.provision.changes.units import look, remember
from ntpjoin.records import dataclass

_OWNER, _MODE = "root:root", 0o644


@dataclass(frozen=True)
class KeepUntracked(Change):
    """Have the unit that loads our table, in force now and at boot; with no `content` have neither.

    `families` are those in which UDP 123 gets in, and goes on to do so.
    """

    kind: ClassVar[str] = "notrack"
    part: ClassVar[str] = "tracking"
    step: ClassVar[Step] = Step.FIREWALL

    service: str
    path: str
    content: str
    families: tuple[Family, ...] = ()

    @property
    def object(self) -> str:
        """The unit."""
        return self.service

    def describe(self) -> str:
        """What it is for."""
        if not self.content:
            return f"have NTP tracked again: stop, disable and remove {self.service}"
        return f"keep NTP to and from this host out of connection tracking: write, enable and start {self.service}"

    def done(self, facts: Facts) -> str:
        """What was seen."""
        del facts
        return "NTP is kept out of connection tracking" if self.content else "NTP is tracked again"

    def holds(self, facts: Facts) -> bool:
        """Whether file, unit and the rules in force are so, and whoever got in still does."""
        return not self._wrong(facts)

    def why_not(self, facts: Facts) -> str:
        """The first thing that is not as it should be."""
        return self._wrong(facts)

    def _wrong(self, facts: Facts) -> str:
        file, unit = facts.files.get(self.path), facts.unit(self.service)
        if not self.content:
            return f"{self.path} is still there" if file else f"{self.service} still runs" if unit.running else ""
        if (
            file is None
            or (file.content, file.mode, file.owner) != (self.content.encode(), _MODE, _OWNER)
            or unit.stale
        ):
            return f"{self.path} is not what it should be, or systemd has not read it"
        if not unit.running or unit.enabled != "enabled":
            return f"{self.service} is not in force, or not enabled"
        untracked = facts.firewall.untracked or Untracked()
        if untracked.wrong:
            return taken_from_others(untracked)
        if not untracked.kept:
            return f"connections to UDP 123 are tracked, although {self.service} runs"
        shut = [family for family in self.families if facts.firewall.lets_in(family) is not True]
        why = "; ".join(dict.fromkeys(facts.firewall.why.get(family, "") for family in shut))
        return f"UDP 123 is no longer let in over {' and '.join(shut)}: {why}" if shut else ""

    def before(self, site: Site) -> Before:
        """The file as it is, which folders above it are missing, and the unit's states."""
        file = to_json(site.host.state(self.path))
        return {
            "file": file,
            "folders": missing_folders(site.host, self.path),
            "unit": remember(site.host, self.service),
        }

    def apply(self, site: Site) -> None:
        """Write, enable and start, again where it runs; or end it first and then take the file away."""
        if not self.content:
            self._end(site)
            return
        site.host.write(self.path, FileState(self.content.encode(), _MODE, _OWNER))
        timers.reread(site.host, self.service)
        services(site.host).set_enabled(site.host, self.service, enabled=True)
        services(site.host).start(site.host, self.service, again=True)

    def _end(self, site: Site) -> None:
        there = site.host.exists(self.path)
        if there:
            services(site.host).set_enabled(site.host, self.service, enabled=False)
        if look(site.host, self.service).running:  # also where somebody has taken its file away
            services(site.host).stop(site.host, self.service)
            if not there and site.host.which("nft"):  # systemd may have forgotten by then how that is stopped
                site.host.run(["nft", f"delete table inet {TABLE}"], check=False)
        site.host.remove(self.path)
        timers.reread(site.host, self.service)

    def undo(self, site: Site, before: Before) -> Undone:
        """As it was; a file that somebody has edited since is his, and stays in force."""
        now, former = site.host.state(self.path), from_json(before["file"])
        if now is not None and now != former and now.content != self.content.encode():
            return Undone("kept", f"{self.path} was edited since and is kept")
        if former is None:
            self._end(site)
        undone = bring_back(site.host, self.path, former, before["folders"], edited=False)
        systemd.reload(site.host)
        if former is None or undone.state != "restored":
            return undone
        # What is in force is that of the file that was there until now.
        services(site.host).start(site.host, self.service, again=True)
        return bring_back_unit(site.host, self.service, before["unit"])

    def diff(self, facts: Facts) -> str:
        """What will differ in the unit's file, as a unified diff."""
        there = facts.files.get(self.path)
        old = there.content.decode(errors="replace").splitlines() if there else []
        new = self.content.splitlines()
        names = (self.path if there else "/dev/null", self.path if new else "/dev/null")
        return "\n".join(difflib.unified_diff(old, new, *names, lineterm=""))
