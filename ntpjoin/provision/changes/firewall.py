"""Letting UDP 123 in through the firewall manager that is active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ntpjoin.errors import StepFailed
from ntpjoin.facts import Facts
from ntpjoin.host import ufw
from ntpjoin.host.machine import Host
from ntpjoin.model import FAMILIES, Before, Step, Undone
from ntpjoin.provision.changes.base import Change, Site


@dataclass(frozen=True)
class AllowPort(Change):
    """Add one rule that lets a UDP port in, for both families."""

    kind: ClassVar[str] = "firewall"
    part: ClassVar[str] = "firewall"
    step: ClassVar[Step] = Step.FIREWALL

    manager: str
    port: int

    @property
    def object(self) -> str:
        """The port."""
        return f"{self.port}/udp"

    def describe(self) -> str:
        """The rule and where it goes."""
        return f"allow {self.port}/udp in {self.manager}"

    def holds(self, facts: Facts) -> bool:
        """Whether a packet from anywhere gets in, in each family that the manager filters."""
        return all(facts.firewall.admits.get(family) is True for family in facts.firewall.families)

    def why_not(self, facts: Facts) -> str:
        """Which family stays shut."""
        shut = [family for family in facts.firewall.families if facts.firewall.admits.get(family) is not True]
        return f"{self.manager} still does not let {self.object} in over {' and '.join(shut)}: an earlier rule decides otherwise"

    def before(self, site: Site) -> Before:
        """In which families the very rule was there already."""
        return {"families": _ours(site.host, self.port)}

    def apply(self, site: Site) -> None:
        """Add the rule to the running and to the permanent rules, without a reload."""
        ufw.allow(site.host, self.port)

    def undo(self, site: Site, before: Before) -> Undone:
        """Take the rule away where it was not there before; ufw deletes it for both families or for none."""
        had, now = before["families"], _ours(site.host, self.port)
        if not had and now:
            ufw.delete(site.host, self.port)
            now = _ours(site.host, self.port)
        left = [family for family in now if family not in had]
        if left and had:
            return Undone(
                "kept", f"{self.manager} keeps the rule for {self.object} over {left[0]}: it had the other one before"
            )
        if left:
            return Undone("failed", f"{self.manager} still has the rule for {self.object}")
        return Undone("restored", f"{self.manager} no longer has our rule for {self.object}")


def _ours(host: Host, port: int) -> list[str]:
    found = ufw.status(host)
    if found is None:
        raise StepFailed("ufw does not tell its status")
    return [family for family in FAMILIES if ufw.has_rule(found, port, family)]
