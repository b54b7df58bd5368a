"""Timers of systemd, and the files of units: systemd must be told of what is written, and of what is gone."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import ClassVar

from ntpjoin.facts import Facts
from ntpjoin.host.machine import Host
from ntpjoin.host.services import systemd
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes.base import Site
from ntpjoin.provision.changes.files import WriteFile
from ntpjoin.provision.changes.units import SetUnit
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class WriteUnit(WriteFile):
    """Write the file of a unit, and have systemd read it."""

    kind: ClassVar[str] = "unit-file"
    part: ClassVar[str] = "unit files"
    step: ClassVar[Step] = Step.MONITOR

    def holds(self, facts: Facts) -> bool:
        """Whether the file is as it shall be, and systemd has read it: a run may have died between the two."""
        return super().holds(facts) and not facts.unit(self._name).stale

    def apply(self, site: Site) -> None:
        """Write, and have it read."""
        super().apply(site)
        reread(site.host, self._name)

    def undo(self, site: Site, before: Before) -> Undone:
        """As for any file; systemd then forgets the unit, or reads the former file."""
        undone = super().undo(site, before)
        reread(site.host, self._name)
        return undone

    @property
    def _name(self) -> str:
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class HaveMetrics(WriteFile):
    """Have the file there that a unit's program writes its metrics into; that it can be made shows that they can be written."""

    kind: ClassVar[str] = "metrics"
    step: ClassVar[Step] = Step.MONITOR

    def describe(self) -> str:
        """The path."""
        return f"create {self.path}, empty, for the metrics of the daily check"


@dataclass(frozen=True)
class SetTimer(SetUnit):
    """Set some of a timer's states; one that ends leaves no word of when it was last due."""

    kind: ClassVar[str] = "timer"
    step: ClassVar[Step] = Step.MONITOR

    def apply(self, site: Site) -> None:
        """Set what is named."""
        super().apply(site)
        if self.active is False:
            systemd.forget_timer(site.host, self.unit)

    def undo(self, site: Site, before: Before) -> Undone:
        """All its states as they were."""
        undone = super().undo(site, before)
        if not before["active"]:
            systemd.forget_timer(site.host, self.unit)
        return undone


def reread(host: Host, unit: str) -> None:
    """Have systemd read all units anew; one that failed and is gone would stay known."""
    systemd.reload(host)
    systemd.forget_failure(host, unit)
