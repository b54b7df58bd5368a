"""Who manages the packet filter, and whether it lets UDP 123 in."""

from __future__ import annotations

from ntpjoin.facts import FirewallFacts
from ntpjoin.host import ufw
from ntpjoin.host.machine import Host
from ntpjoin.model import Family

NTP_PORT = 123


def look_firewall(host: Host) -> FirewallFacts:
    """Ask ufw first, then firewalld, then the rules themselves."""
    if not host.is_root():
        return FirewallFacts("unknown")
    if ufw.installed(host):
        found = ufw.status(host)
        if found is None:
            return FirewallFacts("unknown")
        if found.active:
            families: tuple[Family, ...] = ("IPv4", "IPv6") if ufw.filters_ipv6(host) else ("IPv4",)
            admits = {family: ufw.admits(found, NTP_PORT, family) for family in families}
            return FirewallFacts("ufw", admits, families)
    if host.run(["firewall-cmd", "--state"], check=False).code == 0:
        return FirewallFacts("firewalld")
    return FirewallFacts("rules" if _filters_input(host) else "none")


def _filters_input(host: Host) -> bool:
    """Whether somebody's own rules look at what comes in."""
    nft = host.run(["nft", "list", "ruleset"], check=False)
    if "hook input" in nft.out:
        return True
    tables = [host.run([program], check=False).out for program in ("iptables-save", "ip6tables-save")]
    return any(line.startswith(("-A INPUT", ":INPUT DROP")) for table in tables for line in table.splitlines())
