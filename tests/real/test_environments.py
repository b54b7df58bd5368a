"""Odd surroundings: each works as on any other day, or is refused with the reason."""

from __future__ import annotations

import re
import shlex
import time
from typing import Any

import pytest

from tests.lab import Server
from tests.lab.process import wait_for
from tests.real import operator

pytestmark = pytest.mark.real

#: German for all that speaks it, no way to the administrator's programs, no home, no place for temporary files.
ODD = {
    "LC_ALL": "de_DE.UTF-8",
    "LANGUAGE": "de",
    "PATH": "/usr/bin:/bin",
    "HOME": "/proc/none",
    "TMPDIR": "/proc/none",
    "XDG_CONFIG_HOME": "/proc/none",
}

#: A host that has an address of one family only, as long as ntpjoin runs: the way to the server is over the other one.
CUT_OFF = {
    "IPv6": ("sysctl -q net.ipv6.conf.all.disable_ipv6=1", "true"),
    "IPv4": (
        "ip -4 addr flush dev eth0",
        "ip addr add 203.0.113.7/24 dev eth0; ip route add default via 203.0.113.1",
    ),
}


@pytest.mark.campaign
def test_a_german_terminal_of_40_columns_with_a_strict_umask_and_nowhere_to_write(server: Server) -> None:
    operator.carry(server)
    german(server)
    server.run(["mount", "-o", "remount,noexec", "/tmp"])  # a file system of its own where it is one
    server.run(["mount", "-t", "tmpfs", "-o", "noexec,mode=1777", "tmp", "/tmp"], check=True)
    fresh = server.snapshot()
    ended = odd(server, "setup", *operator.UNATTENDED, *operator.WISH, timeout=120)
    assert ended.code == 0, ended.out
    assert "Ready to join the pool" in ended.out
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", ended.out).replace("\r", "\n")
    assert re.search(r"^ +✓ service +ntpsec.service runs ", plain, re.MULTILINE), ended.out
    modes = ["stat", "-c", "%a", "/etc/ntpsec/ntp.conf", "/etc/ntpsec/ntp.d/local.conf", "/etc/default/ntpsec"]
    assert server.run(modes, check=True).out.split() == ["644", "644", "644"]
    assert operator.ntpjoin(server, "verify", "--json").code == 0
    undone = odd(server, "undo", "--yes", timeout=120)
    assert undone.code == 0, undone.out
    assert operator.unexplained(fresh, server.snapshot()) == []


def german(server: Server) -> None:
    """The programs of this host speak German: seen by what they say."""
    server.run(["date", "-s", f"@{time.time():.2f}"], check=True)
    server.run(["apt-get", "-q", "update"], check=True, timeout=30 * server.slowness)
    server.run(["apt-get", "-q", "-y", "install", "locales"], check=True, timeout=60 * server.slowness)
    make = ["localedef", "-i", "de_DE", "-f", "UTF-8", "de_DE.UTF-8"]
    server.run(make, timeout=60 * server.slowness)
    said = server.run(["env", "LC_ALL=de_DE.UTF-8", "ls", "/none"])
    assert "Datei oder Verzeichnis nicht gefunden" in said.err
    server.run(["date", "-s", f"@{time.time() - 7200:.2f}"], check=True)


def odd(server: Server, *words: str, timeout: float) -> Any:
    """Run ntpjoin on such a terminal; both streams are the terminal."""
    command = f"umask 077; stty cols 40; exec {shlex.join(['env', *(f'{k}={v}' for k, v in ODD.items()), operator.PROGRAM, *words])}"
    return server.run(["sh", "-c", command], tty=True, timeout=timeout * server.slowness)


@pytest.mark.parametrize("family", ["IPv6", pytest.param("IPv4", marks=pytest.mark.campaign)])
def test_a_host_without_a_family_follows_upstreams_over_the_other(member: Server, family: str) -> None:
    """Six names, of which one has IPv4 only and one IPv6 only."""
    names = [word for name in (*operator.NAMES, "ntp6.foxtrot") for word in ("--upstream", f"{name}.example")]
    cut, join = CUT_OFF[family]
    command = shlex.join([operator.PROGRAM, "setup", *operator.UNATTENDED, *names, "--json"])
    script = (
        f"({cut}; {command} >/run/said 2>/run/erred </dev/null; echo $? >/run/part; {join}; mv /run/part /run/code)"
    )
    member.run(["sh", "-c", f"setsid sh -c {shlex.quote(script)} >/dev/null 2>&1 &"], check=True)
    if family == "IPv4":
        member.ssh.disconnect()
        member.ssh.connect(120 * member.slowness, member.healthy)
    wait_for(lambda: member.run(["cat", "/run/code"]).out or None, 90 * member.slowness, "the set-up ends", pause=1)
    said = member.run(["cat", "/run/said"], check=True).out + member.run(["cat", "/run/erred"], check=True).out
    assert member.run(["cat", "/run/code"], check=True).out.strip() == "0", said
    page = operator.page(member.run(["cat", "/run/said"], check=True))
    assert page["settled"] is True
    assert len(page["upstreams"]) == 5
    assert {":" in pin["address"] for pin in page["upstreams"]} == {family == "IPv4"}
    checked = {
        check["id"]: check["state"] for check in page["checks"] if check["id"].startswith(("answers.ipv", "closed"))
    }
    assert [check for check in page["checks"] if check["id"] == "service.file" and check["state"] != "ok"] == []
    assert checked == dict.fromkeys([f"answers.{other(family)}", f"closed.{other(family)}"], "ok"), page["checks"]


def other(family: str) -> str:
    return "ipv4" if family == "IPv6" else "ipv6"


def test_output_that_nobody_reads_stops_nothing(member: Server) -> None:
    """A closed standard output, and a reader that goes away."""
    for command in (f"{operator.PROGRAM} verify >&-", f"{operator.PROGRAM} verify | true"):
        done = member.run(["sh", "-c", command], timeout=60 * member.slowness)
        assert "Traceback" not in done.out + done.err
        assert "Exception ignored" not in done.out + done.err
