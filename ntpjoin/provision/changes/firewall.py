"""Letting UDP 123 in through the firewall manager that is active."""

from __future__ import annotations

from typing import ClassVar

from ntpjoin.facts import Facts
from ntpjoin.host import ufw
from ntpjoin.host.machine import Host
from ntpjoin.model import FAMILIES, Before, Family, Step, Undone
from ntpjoin.provision.changes.base import Change, Site
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class AllowPort(Change):
    """Add one rule that lets a UDP port in, for both families, running and permanent alike, without a reload.

    `families` are those that it opens; `zones`, `later` and `rule` are firewalld's: the zones as they are now and as they are
    written down, and what is added to them.
    """

    kind: ClassVar[str] = "firewall"
    part: ClassVar[str] = "firewall"
    step: ClassVar[Step] = Step.FIREWALL

    manager: str
    port: int
    families: tuple[Family, ...] = FAMILIES
    zones: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    rule: str = ""

    @property
    def object(self) -> str:
        """The port."""
        return f"{self.port}/udp"

    def describe(self) -> str:
        """The rule and where it goes."""
        if not self.rule:
            return f"allow {self.object} in {self.manager}"
        names = tuple(dict.fromkeys((*self.zones, *self.later)))
        what = self.rule.partition("=")[2]
        shown = self.object if what == self.object else f"{what} ({self.object})"
        return f"allow {shown} in {self.manager}'s zone{'s' if len(names) > 1 else ''} {' and '.join(names)}"

    def done(self, facts: Facts) -> str:
        """The port and the families."""
        del facts
        return f"opened {self.object} in {self.manager}, {' and '.join(self.families)}"

    def holds(self, facts: Facts) -> bool:
        """Whether a packet from anywhere gets in, in each of the families."""
        return all(facts.firewall.lets_in(family) is True for family in self.families)

    def why_not(self, facts: Facts) -> str:
        """Which family stays shut, and what decides that."""
        shut = [family for family in self.families if facts.firewall.lets_in(family) is not True]
        causes = dict.fromkeys(facts.firewall.why.get(family, "") for family in shut)
        why = "; ".join(filter(None, causes)) or "an earlier rule decides otherwise"
        return f"{self.manager} still does not let {self.object} in over {' and '.join(shut)}: {why}"

    def before(self, site: Site) -> Before:
        """Where the very rule was there already."""
        return {"places": self._places(site.host)}

    def apply(self, site: Site) -> None:
        """Add the rule; what is written down first, for that is what can fail."""
        if self.manager == "ufw":
            ufw.allow(site.host, self.port)
            return
        from ntpjoin.host import firewalld  # noqa: PLC0415 - few hosts have it

        for permanent, zones in ((True, self.later), (False, self.zones)):
            for zone in zones:
                firewalld.add(site.host, zone, self.rule, permanent=permanent)

    def undo(self, site: Site, before: Before) -> Undone:
        """Take the rule away wherever it was not before."""
        had: list[str] = before["places"] if "places" in before else before["families"]  # as release 0.1.0 named them
        ours = [place for place in self._places(site.host) if place not in had]
        if ours:
            self._take_away(site.host, ours)
        if ours and any(place not in had for place in self._places(site.host)):
            return Undone("failed", f"{self.manager} still has the rule for {self.object}")
        return Undone("restored", f"{self.manager} no longer has our rule for {self.object}")

    def _take_away(self, host: Host, places: list[str]) -> None:
        if self.manager == "ufw":
            ufw.delete(host, self.port, [family for family in FAMILIES if family in places])
            return
        from ntpjoin.host import firewalld  # noqa: PLC0415 - few hosts have it

        for place in places:
            when, _, zone = place.partition(" ")
            firewalld.remove(host, zone, self.rule, permanent=when == "permanent")

    def _places(self, host: Host) -> list[str]:
        """Where the very rule is: families in ufw, 'run-time public' and 'permanent public' in firewalld."""
        if self.manager == "ufw":
            return list(ufw.families_with_rule(host, self.port))
        from ntpjoin.host import firewalld  # noqa: PLC0415 - few hosts have it

        asked = [("run-time", zone) for zone in self.zones] + [("permanent", zone) for zone in self.later]
        return [
            f"{when} {zone}"
            for when, zone in asked
            if firewalld.has(host, zone, self.rule, permanent=when == "permanent")
        ]
