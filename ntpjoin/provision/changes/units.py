"""Units, of systemd or init scripts: started or stopped, enabled or not, held back or not."""

from __future__ import annotations

from typing import ClassVar, Optional

from ntpjoin.facts import Facts, Unit
from ntpjoin.host.machine import Host
from ntpjoin.host.services.manager import services
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes.base import Change, Site
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class SetUnit(Change):
    """Set some of a unit's states; None leaves that one as it is. `why` tells the user what it is for."""

    kind: ClassVar[str] = "unit"
    part: ClassVar[str] = "units"
    step: ClassVar[Step] = Step.PACKAGE

    unit: str
    why: str
    active: Optional[bool] = None
    held: Optional[bool] = None
    enabled: Optional[bool] = None

    @property
    def object(self) -> str:
        """The unit."""
        return self.unit

    def describe(self) -> str:
        """What it is for."""
        return self.why

    def done(self, facts: Facts) -> str:
        """Which states were set."""
        del facts
        words = [] if self.held is None else ["held back" if self.held else "released"]
        words += [] if self.active is None else ["started" if self.active else "stopped"]
        words += [] if self.enabled is None else ["enabled" if self.enabled else "disabled"]
        return f"{' and '.join(words)} {self.unit}"

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        unit = facts.unit(self.unit)
        return (
            self.active in (None, unit.running)
            and self.held in (None, unit.held)
            and self.enabled in (None, unit.enabled == "enabled")
        )

    def before(self, site: Site) -> Before:
        """All its states."""
        return remember(site.host, self.unit)

    def apply(self, site: Site) -> None:
        """Set what is named."""
        if self.held is not None:
            services(site.host).hold(site.host, self.unit) if self.held else services(site.host).release(
                site.host, self.unit
            )
        if self.enabled is not None:
            services(site.host).set_enabled(site.host, self.unit, enabled=self.enabled)
        if self.active is not None:
            services(site.host).start(site.host, self.unit) if self.active else services(site.host).stop(
                site.host, self.unit
            )

    def undo(self, site: Site, before: Before) -> Undone:
        """All its states as they were."""
        return bring_back(site.host, self.unit, before)


def remember(host: Host, name: str) -> Before:
    """A unit's states for the journal."""
    unit = look(host, name)
    return {"exists": unit.exists, "active": unit.running, "enabled": unit.enabled, "held": unit.held}


def look(host: Host, name: str) -> Unit:
    """The unit as it is now."""
    return services(host).show(host, [name]).get(name, Unit(name))


def bring_back(host: Host, name: str, before: Before) -> Undone:
    """A unit's states as `remember` saw them."""
    now = look(host, name)
    if now.exists and now.running and not before["active"]:
        services(host).stop(host, name)
    if now.active == "failed":
        services(host).forget_failure(host, name)
    if now.held and not before["held"]:
        services(host).release(host, name)
    # Of one that is gone nothing would be left to take the hold away again.
    if now.exists and before["held"] and not now.held:
        services(host).hold(host, name)
    if now.exists and before["enabled"] in _SWITCHED and now.enabled != before["enabled"]:
        services(host).set_enabled(host, name, enabled=before["enabled"] == "enabled")
    if now.exists and before["active"] and not now.running:
        services(host).start(host, name)
    return _verdict(look(host, name), before)


#: What `systemctl enable` and `disable` lead to; static or masked units are nobody's to switch.
_SWITCHED = ("enabled", "disabled")


def _verdict(now: Unit, before: Before) -> Undone:
    if not now.exists and before["exists"] and not before["active"]:
        return Undone("restored", f"{now.name} is gone, and did not run before")
    wrong: list[str] = []
    if before["exists"] and now.enabled != before["enabled"]:
        wrong.append(f"it is {now.enabled or 'not there'}, was {before['enabled']}")
    if now.running != before["active"]:
        wrong.append("it runs, did not" if now.running else "it does not run, did")
    if wrong:
        return Undone("failed", f"{now.name}: {'; '.join(wrong)}")
    word = "runs" if before["active"] else "does not run"
    return Undone("restored", f"{now.name} {word}" + (f" and is {before['enabled']}" if before["exists"] else ""))
