"""Several faults at once, for `make test`: each must be found by its own check as if it were alone, and mended by its own remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

from tests.lab.hosts import HOSTS
from tests.real.planted import around, clock, daemon, doors, lines, sources
from tests.real.planted.fault import Fault, Mend, Sign, fails, own_lines, take_lines_out, type_first, warns
from tests.real.planted.host import OWN, Check, Host

_ALONE: Mapping[str, Fault] = {
    fault.name: fault for module in (daemon, sources, lines, clock, doors, around) for fault in module.FAULTS
}


def together(name: str, *names: str) -> Fault:
    """These rows of the table as one: planted in this order, and mended in this order, where a remedy mends them all."""
    faults = [_ALONE[one] for one in names]

    def plant(host: Host) -> None:
        for fault in faults:
            fault.plant(host)

    def mend(host: Host, found: Sequence[Check]) -> None:
        for fault in faults:
            signs = [check for check in found if any(sign.is_in(check) for sign in fault.signs)]
            if fault.mend and signs:  # of one that was not found no remedy is known
                fault.mend(host, signs)

    mends: Optional[Mend] = mend if all(fault.mend for fault in faults) else None
    follows: dict[Sign, str] = {}
    for fault in faults:
        follows.update(fault.follows)
    signs = tuple(sign for fault in faults for sign in fault.signs)
    return Fault(name, plant, signs, follows, mends, max(fault.wait_s for fault in faults))


#: Last what `ntpjoin setup` mends: with anything else still there it would not end well.
AROUND = together(
    "around the daemon",
    "more must agree from the next start on",
    "the daemon will not start at boot",
    "the daemon is of an old version",
    "the drift file's folder is root's",
    "the list of leap seconds cannot be read",
    "the table of connections is nearly full",
    "a job of cron sets the clock",
    "its address is only lent",
    "DHCP is not ignored",
    "an upstream has a new address",
    "the firewall is closed for IPv6",
)

NOBODY_CAN = together(
    "what no command mends",
    "all upstreams are of stratum 6",
    "an upstream's name is gone",
    "a client asks far too often",
    "it is a container that may not set the clock",
)

LINES = Fault(
    "lines of the operator's own",
    own_lines(
        "# mine",
        "servr 192.0.2.16 iburst",
        f"server {sources.OWN_SERVER} iburst burst",
        "pool 0.pool.ntp.org iburst",
        "server 127.127.1.0",
        "leapsmearinterval 3600",
        "unrestrict default nomodify",
        "unrestrict default limited",
        "unrestrict -6 default noquery",
        "restrict 198.51.100.99",
    ),
    (
        warns("service.log", f"line 2 out of {OWN}"),
        fails("upstreams.manners", f"line 3 of {OWN}"),
        fails("upstreams.pool", f"line 4 out of {OWN}"),
        warns("upstreams.local", f"line 5 out of {OWN}"),
        fails("config.smear", f"{OWN}:6"),
        fails("access.nomodify", f"line 7 out of {OWN}"),
        warns("access.limited", f"line 8 out of {OWN}"),
        fails("closed.ipv6", f"line 9 out of {OWN}"),
        warns("access.open", f"line 10 of {OWN}"),
    ),
    mend=take_lines_out,
)

FAR, FAR_ADDRESS = "golf", str(HOSTS["golf"].ipv4)


def own_sources(host: Host) -> None:
    """One that is dead, one that lies, one that is 2 s from the true time by its own account; and one of ours smears."""
    host.lab.upstream(FAR).pretend(root_dispersion_s=2)
    host.lab.upstream("charlie").pretend(refid="254.196.88.176", stratum=2)
    host.own_lines("# mine", *(f"server {address} iburst" for address in (lines.DEAD, lines.LIAR, FAR_ADDRESS)))
    sources.grown(host)


def own_sources_out(host: Host, found: Sequence[Check]) -> None:
    take_lines_out(host, [check for check in found if check["id"] != "upstreams.smear"])
    type_first(host, [check for check in found if check["id"] == "upstreams.smear"])


SOURCES = Fault(
    "sources of the operator's own",
    own_sources,
    (
        warns("upstreams.silent", lines.DEAD, f"line 2 out of {OWN}"),
        warns("upstreams.falseticker", lines.LIAR, f"line 3 out of {OWN}"),
        warns("upstreams.rejected", FAR_ADDRESS, f"line 4 out of {OWN}"),
        warns("upstreams.smear", sources.CHARLIE, "ntpjoin setup --survey"),
        warns("upstreams.count", "8 sources", f"out of {OWN}"),
    ),
    mend=own_sources_out,
)

#: What stands alone: where it is so, nothing is said of the rest.
ALONE = tuple(
    _ALONE[name]
    for name in (
        "the daemon is stopped",
        "clients are refused",
        "it listens on the loopback interface only",
        "AppArmor denies the daemon a list of leap seconds",
    )
)

CROWDS = (*ALONE, AROUND, NOBODY_CAN, LINES, SOURCES)
