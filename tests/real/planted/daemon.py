"""Faults of the daemon itself: its unit, the files it reads, what it says of them, and who looks at it daily."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.lab.hosts import HOSTS
from tests.real.planted.doors import NO_ANSWER, NO_CONTROL
from tests.real.planted.fault import (
    Fault,
    fails,
    own_lines,
    take_lines_out,
    type_between,
    type_commands,
    type_first,
    typed,
    unknown,
    warns,
)
from tests.real.planted.host import CONFIG, OWN, UNIT, Check, Host

DEFAULTS, DHCPS = "/etc/default/ntpsec", "/run/ntpsec/ntp.conf.dhcp"
OTHER, PROFILE = "/etc/ntp.conf", "/etc/apparmor.d/local/usr.sbin.ntpd"
FOXTROT = HOSTS["foxtrot"].ipv4
RUN = "/var/lib/ntpjoin/runs/0001"


# --- the unit


def killed(host: Host) -> None:
    host.run("pkill -KILL -x ntpd")
    host.until("systemd has noticed", lambda: "failed" in host.server.run(["systemctl", "is-active", UNIT]).out, 60)


def started_by_hand(host: Host) -> None:
    """As somebody does who looks for a fault, and forgets it."""
    host.run(f"systemctl stop {UNIT}; ntpd -g -u ntpsec:ntpsec -c {CONFIG}")
    host.until("it has found its time", lambda: host.selected() >= 3, 120)


IN_A_CAGE = "/etc/systemd/system/ntpsec.service.d/cage.conf"


def without_network(host: Host) -> None:
    """As somebody makes it who hardens all his units alike."""
    host.write(IN_A_CAGE, "[Service]", "PrivateNetwork=yes")
    host.run(f"systemctl daemon-reload; systemctl restart {UNIT}")


def with_network(host: Host, found: Sequence[Check]) -> None:
    assert "ss -ulpn" in found[0]["remedy"], found
    host.run(f"rm {IN_A_CAGE}; systemctl daemon-reload; systemctl restart {UNIT}")


UNITS = (
    Fault(
        "the daemon is stopped",
        typed(f"systemctl stop {UNIT}"),
        (fails("service.running", "does not run", f"systemctl start {UNIT}"),),
        wait_s=0,
    ),
    Fault("the daemon was killed", killed, (fails("service.running", f"systemctl start {UNIT}"),), wait_s=0),
    Fault(
        "the daemon is halted",
        typed("pkill -STOP -x ntpd"),
        (unknown("sync.peer", "does not tell of itself"),),
        {**NO_CONTROL, **NO_ANSWER},
        mend=type_between("If not: ", "; journalctl"),
        wait_s=0,
    ),
    Fault(
        "the daemon will not start at boot",
        typed(f"systemctl disable {UNIT}"),
        (fails("service.enabled", "would not start at boot", f"systemctl enable {UNIT}"),),
    ),
    Fault(
        "its unit is masked",
        typed(f"systemctl mask --now {UNIT}"),
        (fails("service.running", f"systemctl unmask {UNIT}; ntpjoin setup"),),
        wait_s=0,
    ),
    Fault(
        "its unit has a network of its own",
        without_network,
        (fails("service.port", "does not hold UDP 123"),),
        {unknown("sync.peer"): "it cannot be asked", **NO_CONTROL, **NO_ANSWER},
        mend=with_network,
        wait_s=0,
    ),
    Fault(
        "ntpd runs, but not the unit's", started_by_hand, (fails("service.running", "does not run", "kill "),), wait_s=0
    ),
)

# --- what it reads


def reads_another_file(host: Host) -> None:
    """As an operator made it who kept the file of his former daemon, and allowed it in AppArmor's profile."""
    host.run(f"sed '/^server/d; /^tos/d' {CONFIG} >{OTHER}; echo server {FOXTROT} iburst >>{OTHER}")
    host.run(f"echo '{OTHER} r,' >>{PROFILE}; apparmor_parser -r /etc/apparmor.d/usr.sbin.ntpd")
    host.run(f"""sed -i 's|^NTPD_OPTS="|&-c {OTHER} |' {DEFAULTS}""")
    host.restart()
    host.until("it has found its time", lambda: host.selected() >= 1, 120)


def reads_ours_again(host: Host, found: Sequence[Check]) -> None:
    remedy = found[0]["remedy"]
    assert f"-c {OTHER}" in remedy, remedy
    assert DEFAULTS in remedy, remedy
    host.run(f"sed -i 's|-c {OTHER} ||' {DEFAULTS}")
    type_commands(host, remedy.rpartition("then: ")[2])


DHCP_IS_HEARD = f"""sed -i 's/^IGNORE_DHCP=.*/IGNORE_DHCP=""/' {DEFAULTS}"""
#: As the package's own hook does.
DHCP_HAS_WRITTEN = (
    f"{DHCP_IS_HEARD}; mkdir -p /run/ntpsec; sed '/^server/d; /^tos/d' {CONFIG} >{DHCPS}; "
    f"echo server {FOXTROT} iburst >>{DHCPS}"
)


def reads_dhcps(host: Host) -> None:
    host.run(DHCP_HAS_WRITTEN)
    host.restart()
    host.until("it has found its time", lambda: host.selected() >= 1, 120)


def packages_own_file(host: Host) -> None:
    [package] = (host.lab.image.repository / "pool").glob("ntpsec_*.deb")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", str(package), folder], check=True)
        host.server.put(Path(folder) / CONFIG.lstrip("/"), CONFIG, mode=0o644)


def replaced(host: Host, found: Sequence[Check]) -> None:
    """What differs is shown, and not wanted."""
    type_commands(host, found[0]["remedy"].partition(" shows")[0])
    type_commands(host, "ntpjoin setup --replace")


def link_replaced(host: Host, found: Sequence[Check]) -> None:
    assert any(f"ls -l {CONFIG}" in check["remedy"] for check in found), found
    host.run(f"mv {CONFIG}.real {CONFIG}")


FILES = (
    Fault(
        "the daemon reads another file",
        reads_another_file,
        (fails("service.config", f"ntpd reads {OTHER}"),),
        mend=reads_ours_again,
    ),
    Fault("DHCP is not ignored", typed(DHCP_IS_HEARD), (warns("service.dhcp", "IGNORE_DHCP is not set"),)),
    Fault("DHCP has written a configuration", typed(DHCP_HAS_WRITTEN), (fails("service.dhcp", DHCPS),)),
    Fault(
        "the daemon reads DHCP's configuration",
        reads_dhcps,
        (fails("service.config", f"ntpd reads {DHCPS}"), fails("service.dhcp", DHCPS)),
        mend=type_first,
    ),
    Fault(
        "the package's own configuration is back",
        packages_own_file,
        (fails("service.file", "the package's own again"),),
    ),
    Fault(
        "our configuration was edited",
        typed(f"echo 'tinker panic 0' >>{CONFIG}"),
        (warns("service.file", "was edited", "ntpjoin plan --replace"),),
        mend=replaced,
    ),
    Fault("our configuration is gone", typed(f"rm {CONFIG}"), (warns("service.file", "is gone"),), mend=replaced),
    Fault(
        "our configuration is a link",
        typed(f"mv {CONFIG} {CONFIG}.real; ln -s {CONFIG}.real {CONFIG}"),
        (unknown("config.lines", f"{CONFIG} is not a plain file", f"ls -l {CONFIG}"), warns("service.file")),
        mend=link_replaced,
    ),
    Fault(
        "a mistyped line in the operator's file",
        own_lines("# mine", "servr 192.0.2.16 iburst"),
        (warns("service.log", f"line 2 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "a line for the classic daemon",
        own_lines("discard average 3 minimum 1"),
        (warns("service.log", f"line 1 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "a mistyped word in a line",
        own_lines("server 192.0.2.16 iburst perfer"),
        (warns("service.log", f"line 1 out of {OWN}"),),
        mend=take_lines_out,
    ),
)

# --- who looks at it, and what is remembered


def journal_restored(host: Host, found: Sequence[Check]) -> None:
    """From the operator's backup."""
    [path] = re.findall(r"(/var/lib/ntpjoin/\S+\.json)", found[0]["text"])
    host.run(f"cp /root/kept {path}")


MEMORY = (
    Fault(
        "the daily check is stopped",
        typed("ntpjoin setup --yes --monitor; systemctl stop ntpjoin-verify.timer"),
        (warns("monitor", "does not run"),),
    ),
    Fault(
        "the daily check will not start at boot",
        typed("ntpjoin setup --yes --monitor; systemctl disable ntpjoin-verify.timer"),
        (warns("monitor", "is disabled"),),
    ),
    Fault(
        "a page of the journal is cut off",
        typed(f"cp {RUN}/003.json /root/kept; truncate -s 100 {RUN}/003.json"),
        (unknown("journal", "cannot be read", "restore it"),),
        mend=journal_restored,
    ),
)

FAULTS = (*UNITS, *FILES, *MEMORY)
