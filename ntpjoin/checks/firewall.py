"""Does the packet filter let queries in? The verdict on the rules in words, with what to type."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.firewall import FirewallFacts, Untracked
from ntpjoin.model import Check, CheckState, Family

#: Of rules that nobody has written down.
KEEP = "keep it where your rules come from, too, or it is gone after a reboot"

#: What to do about a rule that takes the answers to others for this host's.
SPARE = "add `udp sport != 123` to it (iptables: `! --sport 123`), where your rules come from, too"


def taken_from_others(untracked: Untracked) -> str:
    """What is wrong on a host that masquerades and tracks nothing, and whose rules do that."""
    by = f": {' and '.join(untracked.theirs)}" if untracked.theirs else ""
    return f"this host masquerades, and takes the answers to hosts behind it that ask from port 123 for its own{by}"


def judge_firewall(firewall: FirewallFacts) -> Iterator[Check]:
    """One check, or one for each thing that is wrong."""
    if firewall.manager == "none":
        yield Check("firewall", CheckState.OK, "no firewall on this host")
    elif firewall.manager == "unknown":
        remedy = "; ".join(firewall.remedy)
        yield Check("firewall", CheckState.UNKNOWN, f"the firewall could not be seen: {firewall.problem}", remedy)
    else:
        yield from _judge(firewall)


def _judge(firewall: FirewallFacts) -> Iterator[Check]:
    manager = firewall.manager
    for family in firewall.shut:
        text = f"{manager} does not let UDP 123 in over {family}: {firewall.why.get(family, '')}"
        yield Check("firewall", CheckState.FAIL, text, remedy_for(firewall, family))
    for family in firewall.unclear:
        text = f"whether {manager} lets UDP 123 in over {family} could not be told: {firewall.why.get(family, '')}"
        yield Check("firewall", CheckState.UNKNOWN, text, remedy_for(firewall, family))
    lets_in = [family for family in firewall.families if firewall.lets_in(family)]
    if firewall.closed:
        state = CheckState.WARN if firewall.families else CheckState.FAIL
        yield Check(
            "firewall", state, closed_text(firewall), "IPV6=yes in /etc/default/ufw, then: ufw reload; ntpjoin firewall"
        )
    if firewall.limit and lets_in:
        text = f"{manager} lets in only so many queries at a time: {firewall.limit}"
        yield Check("firewall", CheckState.WARN, text, typed(firewall))
    elif lets_in:
        yield Check("firewall", CheckState.OK, f"{manager} lets UDP 123 in over {' and '.join(lets_in)}")


def closed_text(firewall: FirewallFacts) -> str:
    """What a manager does to a whole family."""
    families = " and ".join(firewall.closed)
    return (
        f"{firewall.manager} keeps out all {families} (IPV6=no in /etc/default/ufw): nobody can ask this host over it"
    )


def remedy_for(firewall: FirewallFacts, family: Family) -> str:
    """What to type for one family that is not let in."""
    return "ntpjoin firewall" if family in firewall.opens else typed(firewall)


def typed(firewall: FirewallFacts) -> str:
    """The commands that let queries in."""
    if not firewall.remedy:
        return "let UDP 123 in by hand"
    commands = "; ".join(firewall.remedy)
    return f"{commands}; {KEEP}" if firewall.manager in ("nftables", "iptables") else commands
