"""Faults of those whom the daemon follows, and of the way to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.lab.hosts import HOSTS
from tests.real import operator
from tests.real.planted.fault import (
    Fault,
    fails,
    unknown,
    warns,
)
from tests.real.planted.host import Check, Host

FIVE = tuple(name.partition(".")[2] for name in operator.NAMES)
CHARLIE = "ntp3.charlie.example"
OWN_SERVER = str(HOSTS["foxtrot"].ipv4)

#: Longer than a daemon needs for eight polls, 64 s apart.
EIGHT_POLLS_S = 700.0
#: From when on a silence since the start counts (SETTLING_S of facts.py), and some.
GROWN_S = 305.0
#: Until when the first eight packets to each source are answered, or not.
ASKED_S = 25.0

# --- one of them


def grown(host: Host) -> None:
    """Until the daemon has had the time to tell."""
    host.until("the daemon is grown", lambda: host.age_s() > GROWN_S, 400)


def of_charlie(host: Host) -> str:
    """At which of its addresses it is followed: that which answered best."""
    board = host.board()
    return next(one for one in (HOSTS["charlie"].ipv6, HOSTS["charlie"].ipv4) if one in board)


def dies(host: Host) -> None:
    address = of_charlie(host)
    host.lab.upstream("charlie").stop()
    host.until("the daemon has noticed", lambda: host.reach(address) == 0, EIGHT_POLLS_S)


def says(names: Sequence[str], so: Callable[[Host], object], **words: object) -> Callable[[Host], None]:
    """Some upstreams say something else, and the daemon has been started since; until it is so."""

    def plant(host: Host) -> None:
        for name in names:
            host.lab.upstream(name).pretend(**words)
        host.restart()
        host.until("the daemon has noticed", lambda: so(host), EIGHT_POLLS_S)

    return plant


def outvoted(host: Host) -> bool:
    """By three at least: one that is right may be thinned out."""
    return host.selected() >= 3 and host.board()[of_charlie(host)][0] == "x"


def moved(host: Host) -> None:
    records = host.lab.dns.text()
    assert "ntp4.delta A 192.0.2.14\n" in records
    host.lab.dns.replace(records.replace("ntp4.delta A 192.0.2.14\n", f"ntp4.delta A {OWN_SERVER}\n"))


def given_up(host: Host) -> None:
    host.lab.dns.replace(host.lab.dns.text().replace("ntp4.delta A 192.0.2.14\n", ""))


ONE = (
    Fault("an upstream dies", dies, (warns("upstreams.silent", CHARLIE, "ntpjoin setup --survey"),)),
    Fault(
        "an upstream lies",
        says(["charlie"], outvoted, offset_s=10),
        (warns("upstreams.falseticker", CHARLIE, "ntpjoin setup --survey"),),
    ),
    Fault(
        "an upstream is not synchronised",
        says(["charlie"], lambda host: host.age_s() > GROWN_S, leap=3, stratum=0, refid="INIT"),
        (warns("upstreams.silent", CHARLIE, "not with a time that counts", "ntpjoin setup --survey"),),
    ),
    Fault(
        "an upstream is 2 s from the true time, as it says itself",
        says(["charlie"], lambda host: host.age_s() > GROWN_S, root_dispersion_s=2),
        (warns("upstreams.rejected", CHARLIE, "its root distance is too great", "ntpjoin setup --survey"),),
    ),
    Fault(
        "an upstream smears",
        says(["charlie"], lambda host: host.selected() >= 4, refid="254.196.88.176", stratum=2),
        (warns("upstreams.smear", CHARLIE, "254.196.88.176", "ntpjoin setup --survey"),),
    ),
    Fault(
        "an upstream has a new address",
        moved,
        (warns("upstreams.pins", "ntp4.delta.example no longer leads to 192.0.2.14", "ntpjoin setup"),),
    ),
    Fault("an upstream's name is gone", given_up, (unknown("upstreams.pins", "ntp4.delta.example"),), mend=None),
)

# --- all of them, or too many


def five(so: Callable[[Host], object], **words: object) -> Callable[[Host], None]:
    return says(FIVE, so, **words)


def all_asked(host: Host) -> bool:
    return host.age_s() > ASKED_S


def synchronised(host: Host) -> bool:
    return any(line[0] == "*" for line in host.board().values())


def all_die(host: Host) -> None:
    for name in FIVE:
        host.lab.upstream(name).stop()
    host.until("the daemon has noticed", lambda: not any(map(host.reach, host.board())), EIGHT_POLLS_S)


def three_dead(host: Host) -> None:
    for name in FIVE[:3]:
        host.lab.upstream(name).stop()
    host.restart()
    grown(host)


def filtered_outside(host: Host) -> None:
    host.lab.router.nft("add rule inet fault forward udp sport 123 udp dport 123 drop")
    host.restart()
    grown(host)


def filtered_here(host: Host) -> None:
    """The kernel knows the daemon's connections for two minutes, and what belongs to them passes ufw."""
    host.run("systemctl stop ntpsec; ufw deny out 123/udp; sleep 125; systemctl start ntpsec")
    grown(host)


def lossy(host: Host) -> None:
    """Of the answers of each upstream two of three are lost."""
    for name in FIVE:
        for family, address in (("ip", HOSTS[name].ipv4), ("ip6", HOSTS[name].ipv6)):
            if address:
                drop = f"{family} saddr {address} udp sport 123 numgen inc mod 3 != 0 drop"
                host.lab.router.nft(f"add rule inet fault forward {drop}")
    host.restart()
    host.until("eight polls are over", lambda: host.age_s() > EIGHT_POLLS_S, EIGHT_POLLS_S + 60)


MANY = (
    Fault(
        "three of five upstreams are dead",
        three_dead,
        (fails("sync.peer", "2 of 5 sources answer", "3 must"),),
        mend=None,
        wait_s=0,
    ),
    Fault("all upstreams die", all_die, (fails("sync.peer", "0 of 5 sources answer"),), mend=None, wait_s=0),
    Fault(
        "all upstreams are of stratum 16",
        five(lambda host: host.age_s() > GROWN_S, stratum=0, leap=3, refid="INIT"),
        (fails("sync.peer", "not synchronised"),),
        mend=None,
        wait_s=0,
    ),
    Fault(
        "all upstreams tell the leap alarm",
        five(lambda host: host.age_s() > GROWN_S, leap=3),
        (fails("sync.peer", "5: it is not synchronised itself"),),
        mend=None,
        wait_s=0,
    ),
    Fault(
        "all upstreams send this host away",
        five(lambda host: host.age_s() > GROWN_S, leap=3, stratum=0, refid="DENY"),
        (fails("sync.peer", "DENY"),),
        mend=None,
        wait_s=0,
    ),
    Fault(
        "all upstreams are of stratum 6",
        five(synchronised, stratum=6, refid="192.0.2.99"),
        (warns("sync.stratum", "stratum 7", "choose upstreams of a lower stratum"),),
        mend=None,
    ),
    Fault(
        "all upstreams are of stratum 9",
        five(synchronised, stratum=9, refid="192.0.2.99"),
        (fails("sync.stratum", "stratum 10", "choose upstreams of a lower stratum"),),
        mend=None,
    ),
    Fault(
        "all upstreams are 2 s from the true time, as they say",
        five(lambda host: host.age_s() > GROWN_S, root_dispersion_s=2),
        (fails("sync.peer", "its root distance is too great"),),
        mend=None,
        wait_s=0,
    ),
    Fault(
        "the provider filters UDP 123",
        filtered_outside,
        (fails("sync.peer", "0 of 5 sources answer", "5: it answers", "what comes from UDP 123 is kept back"),),
        mend=None,
        wait_s=0,
    ),
    Fault("the line loses most packets", lossy, (fails("sync.reach", "% of the last polls"),), mend=None, wait_s=300),
    Fault(
        "DNS does not answer",
        lambda host: host.lab.dns.stop(),
        (unknown("upstreams.pins", "could not be asked", "is DNS reachable?"),),
        mend=None,
    ),
)


def let_out(host: Host, found: Sequence[Check]) -> None:
    assert "is UDP 123 let out, here" in found[0]["remedy"], found
    host.run("ufw delete deny out 123/udp")
    host.restart()


def distance_allowed(host: Host) -> None:
    """An operator who lets the daemon follow whom others would not."""
    for name in FIVE:
        host.lab.upstream(name).pretend(root_dispersion_s=2)
    host.own_lines("tos maxdist 16")
    grown(host)


HERE = (
    Fault(
        "this host lets no query out",
        filtered_here,
        (fails("sync.peer", "0 of 5 sources answer", "is UDP 123 let out, here and by the provider?"),),
        mend=let_out,
        wait_s=0,
    ),
    Fault(
        "the root distance is 2 s",
        distance_allowed,
        (fails("sync.distance", "root distance 2.", "clients follow nobody beyond 1.5 s"),),
        mend=None,
    ),
)

FAULTS = (*ONE, *MANY, *HERE)
