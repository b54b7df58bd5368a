"""Units of systemd: started or stopped, enabled or not, masked or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Optional

from ntpjoin.facts import Facts, Unit
from ntpjoin.host import systemd
from ntpjoin.host.machine import Host
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes.base import Change, Site

Mask = Literal["", "masked", "masked-runtime"]


@dataclass(frozen=True)
class SetUnit(Change):
    """Set some of a unit's states; None leaves that one as it is. `why` tells the user what it is for."""

    kind: ClassVar[str] = "unit"
    part: ClassVar[str] = "units"
    step: ClassVar[Step] = Step.PACKAGE

    unit: str
    why: str
    active: Optional[bool] = None
    enabled: Optional[bool] = None
    mask: Optional[Mask] = None

    @property
    def object(self) -> str:
        """The unit."""
        return self.unit

    def describe(self) -> str:
        """What it is for."""
        return self.why

    def holds(self, facts: Facts) -> bool:
        """Whether systemd says so."""
        unit = facts.unit(self.unit)
        return (
            (self.active is None or unit.running == self.active)
            and (self.enabled is None or (unit.enabled == "enabled") == self.enabled)
            and (self.mask is None or unit.masked == self.mask)
        )

    def before(self, site: Site) -> Before:
        """All three states."""
        return remember(site.host, self.unit)

    def apply(self, site: Site) -> None:
        """Set what is named, a mask last on and first off."""
        host = site.host
        if self.mask == "":
            take_mask_off(host, self.unit)
        if self.enabled is not None:
            systemd.set_enabled(host, self.unit, enabled=self.enabled)
        if self.active is not None:
            systemd.start(host, self.unit) if self.active else systemd.stop(host, self.unit)
        if self.mask:
            systemd.mask(host, self.unit, until_reboot=self.mask == "masked-runtime")

    def undo(self, site: Site, before: Before) -> Undone:
        """All three states as they were."""
        return bring_back(site.host, self.unit, before)


def remember(host: Host, name: str) -> Before:
    """A unit's states for the journal."""
    unit = systemd.show(host, [name]).get(name, Unit(name))
    return {"exists": unit.exists, "active": unit.running, "enabled": unit.enabled}


def take_mask_off(host: Host, name: str) -> None:
    """Take off whichever mask is on."""
    masked = systemd.show(host, [name])[name].masked
    if masked:
        systemd.unmask(host, name, until_reboot=masked == "masked-runtime")


def bring_back(host: Host, name: str, before: Before) -> Undone:
    """A unit's states as `remember` saw them."""
    was_masked = before["enabled"].startswith("masked")
    now = systemd.show(host, [name]).get(name, Unit(name))
    if now.masked and now.masked != before["enabled"]:
        take_mask_off(host, name)
        now = systemd.show(host, [name])[name]
    if (
        now.exists
        and not now.masked
        and before["enabled"] in ("enabled", "disabled")
        and now.enabled != before["enabled"]
    ):
        systemd.set_enabled(host, name, enabled=before["enabled"] == "enabled")
    if now.exists and now.running != before["active"]:
        systemd.start(host, name) if before["active"] else systemd.stop(host, name)
    if was_masked and not now.masked:
        systemd.mask(host, name, until_reboot=before["enabled"] == "masked-runtime")
    return _verdict(host, name, before)


def _verdict(host: Host, name: str, before: Before) -> Undone:
    now = systemd.show(host, [name]).get(name, Unit(name))
    wrong: list[str] = []
    if before["exists"] and now.enabled != before["enabled"]:
        wrong.append(f"it is {now.enabled or 'not there'}, was {before['enabled']}")
    if not before["exists"] and now.masked:
        wrong.append(f"it is {now.masked}")
    if now.running != before["active"]:
        wrong.append("it runs, did not" if now.running else "it does not run, did")
    if wrong:
        return Undone("failed", f"{name}: {'; '.join(wrong)}")
    word = "runs" if before["active"] else "does not run"
    return Undone("restored", f"{name} {word}" + (f" and is {before['enabled']}" if before["exists"] else ""))
