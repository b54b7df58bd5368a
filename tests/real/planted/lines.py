"""Faults of the operator's own lines about sources, and of how many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.lab.hosts import HOSTS
from tests.real import operator
from tests.real.planted.fault import Fault, fails, own_lines, take_lines_out, type_commands, warns
from tests.real.planted.host import CONFIG, OWN, Check, Host
from tests.real.planted.sources import GROWN_S, OWN_SERVER

DEAD, LIAR = (str(HOSTS[name].ipv4) for name in ("dead", "liar"))


def own_noticed(line: str, so: Callable[[Host], object]) -> Callable[[Host], None]:
    """A source of the operator's own, until the daemon knows what it is worth."""

    def plant(host: Host) -> None:
        host.own_lines("# mine", line)
        host.until("the daemon has noticed", lambda: so(host), 400)

    return plant


def only_two(host: Host) -> None:
    """As its operator has configured it, who has never heard of ntpjoin."""
    config = host.run(
        f"sed '/^server .*{operator.NAMES[0]}/b; /^server .*{operator.NAMES[1]}/b; /^server/d; /^tos/d' {CONFIG}"
    )
    host.run("rm -r /var/lib/ntpjoin /var/cache/ntpjoin")
    host.write(CONFIG, "# by hand", *config.splitlines()[1:])
    host.restart()


def five_named(host: Host, found: Sequence[Check]) -> None:
    assert "ntpjoin setup" in found[0]["remedy"], found
    type_commands(host, f"ntpjoin setup --replace {' '.join(operator.WISH)}")


def three_named(host: Host) -> None:
    host.run(f"ntpjoin setup --yes --few {' '.join(operator.WISH[:7])}")


def more_named(host: Host, found: Sequence[Check]) -> None:
    [line] = [part for part in found[0]["remedy"].split(";") if "--upstream NAME, 4 to 7 times" in part]
    type_commands(host, line.replace("--upstream NAME, 4 to 7 times", " ".join(operator.UPSTREAMS)))


def not_restarted(host: Host) -> None:
    """The daemon has read an earlier file, which had one upstream less."""
    host.run(f"cp -p {CONFIG} /root/ours; sed -i '/ntp4.delta/d' {CONFIG}; systemctl restart ntpsec; sleep 1")
    host.run(f"cp -p /root/ours {CONFIG}")


def not_yet_read(host: Host) -> None:
    host.write(OWN, "# mine", "tos minsane 6")


EIGHT = tuple(f"server {HOSTS[name].ipv4} iburst" for name in ("foxtrot", "golf", "open"))

FAULTS = (
    Fault(
        "the LOCAL clock is a source",
        own_lines("server 127.127.1.0", "fudge 127.127.1.0 stratum 10"),
        (warns("upstreams.local", "the pool asks not to use it", f"line 1 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "a source of the operator's own is dead",
        own_noticed(f"server {DEAD} iburst", lambda host: host.age_s() > GROWN_S and host.reach(DEAD) == 0),
        (warns("upstreams.silent", DEAD, f"line 2 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "a source of the operator's own lies",
        own_noticed(f"server {LIAR} iburst", lambda host: host.board().get(LIAR, " ")[0] == "x"),
        (warns("upstreams.falseticker", LIAR, f"line 2 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "two sources",
        only_two,
        (fails("upstreams.count", "2 sources", "the pool wants 4 to 7"),),
        {
            warns(
                "answers.address"
            ): "the lab's addresses are private ones, and nobody knows any more that they may be asked"
        },
        mend=five_named,
    ),
    Fault(
        "three sources",
        three_named,
        (warns("upstreams.count", "3 sources", "the pool wants 4 to 7"),),
        mend=more_named,
    ),
    Fault(
        "eight sources",
        own_lines(*EIGHT),
        (warns("upstreams.count", "8 sources", f"out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "more must agree than there are",
        own_lines("# mine", "tos minsane 6"),
        (fails("sync.peer", "6 must", f"line 2 out of {OWN}"),),
        mend=take_lines_out,
        wait_s=60,
    ),
    Fault(
        "more must agree from the next start on",
        not_yet_read,
        (fails("sync.survivors", "6 must", f"line 2 out of {OWN}"),),
        mend=take_lines_out,
        wait_s=0,
    ),
    Fault(
        "the daemon has read an earlier file",
        not_restarted,
        (fails("upstreams.followed", "ntpd does not follow ntp4.delta.example", "ntpjoin setup"),),
    ),
    Fault(
        "the daemon may not set the clock",
        own_lines("# mine", "disable ntp"),
        (fails("sync.peer", "leap 3", f"line 2 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "a name of the pool is followed",
        own_lines("# mine", "pool 0.pool.ntp.org iburst"),
        (fails("upstreams.pool", "must not follow the pool itself", f"line 2 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "an upstream is asked in bursts",
        own_lines(f"server {OWN_SERVER} iburst burst"),
        (fails("upstreams.manners", "bursts of packets at every poll", f"line 1 of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "an upstream is asked too often",
        own_lines(f"server {OWN_SERVER} iburst minpoll 3 maxpoll 4"),
        (warns("upstreams.manners", "may be asked every 8 s", f"line 1 of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "leap seconds are smeared",
        own_lines("leapsmearinterval 3600"),
        (fails("config.smear", f"{OWN}:1"),),
        mend=take_lines_out,
    ),
)
