"""The lab keeps its own promises."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import ConnectionLost, Lab, LabTimeout, MissingTools, Server, hosts, machine, process, upstreams

pytestmark = pytest.mark.real

REPOSITORY = Path(__file__).parents[2]


def test_missing_programs_are_named_with_their_packages() -> None:
    with pytest.raises(MissingTools, match="qemu-img") as caught:
        machine.require(print, lambda program: program not in {"qemu-img", "ip"}, install=False)
    assert caught.value.packages == ["iproute2", "qemu-utils"]


# -- the server


def test_the_server_is_a_stock_debian_two_hours_behind(server: Server) -> None:
    assert -8 * 3600 < server.clock_offset() < -7190
    assert server.run(["systemctl", "is-active", "ufw"]).out.strip() == "active"
    assert server.run(["systemctl", "is-enabled", "systemd-timesyncd"]).out.strip() == "enabled"
    assert server.run(["cat", "/sys/module/apparmor/parameters/enabled"]).out.strip() == "Y"
    assert "22/tcp" in server.run(["ufw", "status"]).out
    assert server.run(["sh", "-c", "command -v ntpd chronyd pip jinja2"]).out == ""
    assert server.run(["python3", "-c", "import click"]).code == 1


def test_the_clock_stays_behind_because_timesyncd_finds_nobody(server: Server) -> None:
    said = server.run(["timedatectl", "show"], check=True).out
    assert "NTP=yes" in said
    assert "NTPSynchronized=no" in said


def test_apt_refuses_an_archive_from_the_future_unless_told(server: Server) -> None:
    refused = server.run(["apt-get", "update"], timeout=120)
    assert "is not valid yet" in refused.out + refused.err
    allowed = server.run(["apt-get", "-o", "Acquire::Max-FutureTime=90000", "update"], timeout=120)
    assert (allowed.code, "not valid" in allowed.out + allowed.err) == (0, False)
    for package in ("ntpsec", "chrony", "openntpd", "firewalld"):
        server.run(["apt-get", "-s", "install", package], check=True, timeout=120)


def test_the_archive_can_break(lab: Lab, server: Server) -> None:
    update = ["apt-get", "-o", "Acquire::Max-FutureTime=90000", "-o", "APT::Update::Error-Mode=any", "update"]
    lab.packages.break_paths({"InRelease": "garbage", "/Release": "404"})
    assert server.run(update, timeout=120).code != 0
    lab.packages.heal()
    server.run(update, timeout=120, check=True)


def test_exit_codes_output_and_time_limits_are_told_truly(server: Server) -> None:
    answer = server.run(["sh", "-c", "echo out; echo 'e  rr' >&2; exit 3"])
    assert (answer.code, answer.out, answer.err) == (3, "out\n", "e  rr\n")
    assert server.run(["sh", "-c", "exit 255"]).code == 255
    assert server.run(["cat"], input="a b\n").out == "a b\n"
    assert server.run(["cat"]).out == ""
    assert server.run(["printf", "%s", "it's; $HOME"]).out == "it's; $HOME"
    with pytest.raises(LabTimeout, match="so far") as caught:
        server.run(["sh", "-c", "echo before; sleep 60"], timeout=3)
    assert caught.value.out == "before\n"


def test_a_terminal_is_a_terminal(server: Server) -> None:
    answer = server.run(
        ["sh", "-c", "test -t 0 && test -t 1 && stty size && read x && echo got $x"], tty=True, input="y\n"
    )
    assert answer.code == 0
    assert "40 100" in answer.out
    assert "got y" in answer.out
    # Not a shell that starts something: dash loses a Ctrl-C that comes between fork and exec.
    waiting = "import time; print('ready', flush=True); time.sleep(60)"
    running = server.popen(["python3", "-c", waiting], tty=True)
    running.read_until("ready")
    running.interrupt()
    assert running.finish(20).code == 130


def test_a_lost_connection_is_not_an_exit_code(server: Server) -> None:
    running = server.popen(["sleep", "60"])
    server.cut_power()
    running.finish(30)
    with pytest.raises(ConnectionLost):
        server.run(["true"])


def test_files_go_there_and_back(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(256)) * 100)
    server.put(tmp_path / "a", "/root/a b", 0o640)
    server.get("/root/a b", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    assert server.run(["stat", "-c", "%a", "/root/a b"]).out == "640\n"


@pytest.mark.campaign
def test_a_cut_keeps_what_was_synced_and_a_rollback_forgets_it(server: Server) -> None:
    server.run(["sh", "-c", "echo kept > /root/kept; sync"], check=True)
    before = server.boot_id()
    server.cut_power()
    server.start()
    assert server.boot_id() != before
    assert server.run(["cat", "/root/kept"]).out == "kept\n"
    assert -7230 < server.clock_offset() < -7190
    server.rollback("fresh")
    assert server.boot_id() == before
    assert server.run(["cat", "/root/kept"]).code == 1


def test_a_reboot_is_a_reboot(server: Server) -> None:
    before = server.boot_id()
    server.reboot()
    assert server.boot_id() != before


def test_snapshots_are_equal_until_something_changes(server: Server) -> None:
    before = server.snapshot()
    assert before.diff(server.snapshot()) == []
    change = "echo x >>/etc/motd; apt-mark auto ufw; systemctl mask --runtime cron; ufw allow 123/udp"
    server.run(["sh", "-c", change], check=True)
    lines = before.diff(server.snapshot())
    for start in ("etc: /etc/motd: ", "packages: ufw: ", "units: cron.service: ", "firewall: ufw status verbose: "):
        assert [line for line in lines if line.startswith(start)], start


def test_the_server_reaches_nothing_outside(server: Server) -> None:
    outside = [word for word in Path("/proc/net/route").read_text().split() if word != "00000000"]
    assert outside  # this machine has a network, and the lab has none of it
    for address in ("1.1.1.1", "2606:4700:4700::1111"):
        assert server.run(["ping", "-c", "1", "-W", "1", address]).code != 0


# -- the network


def test_every_upstream_answers_as_its_role_says(lab: Lab, server: Server) -> None:
    del server
    wanted = {address: name for name, host in hosts.HOSTS.items() for address in (host.ipv4, host.ipv6) if address}
    told = upstreams.ask(lab.sandbox, list(wanted))
    for address, name in wanted.items():
        role = hosts.HOSTS[name].role
        if not role:
            assert address not in told, name
            continue
        row = told[address]
        assert row["leap"] == (3 if role == "unsynchronised" else 0), name
        assert row["offset"] == pytest.approx(10 if role == "liar" else 0, abs=0.1), name
        if name in hosts.HEALTHY:
            assert row["stratum"] == (2 if name == "golf" else 1)
    assert len(hosts.HEALTHY) >= 7


def test_an_impostor_answers_at_the_address_that_was_asked(lab: Lab) -> None:
    lab.heal()
    for name, another in (("alpha", "192.0.2.111"), ("echo", "2001:db8:2:0:5054:ff:fe12:3456")):
        host = hosts.HOSTS[name]
        asked = [another, *(one for one in (host.ipv4, host.ipv6) if one)]
        with lab.host(name).another(another):
            lab.upstream(name).pretend(stratum=5)
            told = upstreams.ask(lab.sandbox, asked)
        assert {address: one["stratum"] for address, one in told.items()} == dict.fromkeys(asked, 5)
    lab.heal()


def test_an_independent_client_agrees(lab: Lab, server: Server) -> None:
    del server
    for name in ("alpha", "echo", "golf", "liar"):
        address = hosts.HOSTS[name].ipv4 or hosts.HOSTS[name].ipv6
        assert address is not None
        told = json.loads(lab.client.run(["ntpdig", "-j", address], check=True).out)
        assert told["stratum"] == (2 if name == "golf" else 1)
        assert told["offset"] == pytest.approx(10 if name == "liar" else 0, abs=0.1)


def test_names_are_answered_in_every_way(lab: Lab, server: Server) -> None:
    del server

    def dig(name: str) -> str:
        return lab.client.run(["dig", "+time=1", "+tries=1", name, "A"]).out

    assert "192.0.2.11" in dig("ntp1.alpha.example")
    assert re.search(
        r"ntp6\.foxtrot\.example\.\s+300\s+IN\s+CNAME\s+time\.foxtrot\.example\.", dig("ntp6.foxtrot.example")
    )
    assert re.search(r"CNAME\s+0\.pool\.ntp\.org\.", dig("time.evil.example"))
    assert "status: NXDOMAIN" in dig("nx.example")
    assert "status: NXDOMAIN" in dig("0.debian.pool.ntp.org")
    assert "status: SERVFAIL" in dig("servfail.example")
    assert "timed out" in dig("silent.example")
    assert "10.9.8.7" in dig("private.example")


def test_the_open_daemon_answers_management_queries(lab: Lab, server: Server) -> None:
    del server
    with lab.capture("client", "udp port 123") as seen:
        answer = lab.client.run(["ntpq", "-n", "-c", "rv", "198.51.100.40"], check=True)
    assert "associd=0" in answer.out
    assert any("198.51.100.40.123 >" in line for line in seen.lines)


def test_faults_can_be_made_and_healed(lab: Lab, server: Server) -> None:
    del server
    address = "192.0.2.13"
    lab.router.nft(f"add rule inet fault forward ip daddr {address} udp dport 123 drop")
    assert upstreams.ask(lab.sandbox, [address]) == {}
    lab.upstream("ntp1.alpha.example").stop()
    assert upstreams.ask(lab.sandbox, ["192.0.2.11"]) == {}
    lab.dns.add("moved A 192.0.2.14")
    assert "192.0.2.14" in lab.client.run(["dig", "+short", "moved.example"]).out
    lab.heal()
    assert sorted(upstreams.ask(lab.sandbox, [address, "192.0.2.11"])) == ["192.0.2.11", address]
    assert lab.client.run(["dig", "+short", "moved.example"]).out == ""


# -- nothing is left

HOLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.lab import Lab, Server
with Lab(log=lambda line: None) as lab:
    vm = Server(lab.sandbox, lab.image)
    vm.create(0)
    vm.start(wait=False)
    vm.wait_monitor()
    print(lab.sandbox.pid, flush=True)
    sys.stdin.read()
"""


def mine(namespace: str) -> list[str]:
    """Command lines of the processes in a pid namespace."""
    return [command_line(entry) for entry in Path("/proc").glob("[0-9]*") if link(entry / "ns/pid") == namespace]


def link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def command_line(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return "ended meanwhile"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_the_holder_is_killed(number: signal.Signals) -> None:
    mounts = Path("/proc/self/mounts").read_text()
    links = process.run(["ip", "-o", "link"], check=True).out
    named = process.run(["ip", "netns"], check=True).out
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(REPOSITORY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        namespace = str(Path(f"/proc/{pid}/ns/pid").readlink())
        lines = mine(namespace)
        for program in ("chronyd", "ntpd", "named", "qemu-system"):
            assert any(program in line for line in lines), program
        os.kill(holder.pid, number)
        holder.wait(30)
    deadline = time.monotonic() + 10
    while mine(namespace) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert mine(namespace) == []
    assert Path("/proc/self/mounts").read_text() == mounts
    assert process.run(["ip", "-o", "link"], check=True).out == links
    assert process.run(["ip", "netns"], check=True).out == named
