"""A server that is one already: its operator's files are kept, told of, and given back; clients of another daemon are counted."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab, Result, Server
from tests.lab.hosts import HOSTS, SERVER4
from tests.lab.process import wait_for
from tests.lab.snapshot import Snapshot
from tests.real import operator

pytestmark = pytest.mark.real

CONFIG, SNIPPET = "/etc/ntpsec/ntp.conf", "/etc/ntpsec/ntp.d/mine.conf"
#: An operator's own. What ours says, too, is not lost; the rest is.
SAME = ["driftfile /var/lib/ntpsec/ntp.drift", "restrict 127.0.0.1", "restrict default kod nomodify noquery limited"]
LOST = [
    "keys /etc/ntpsec/ntp.keys",
    "trustedkey 7",
    f"server {HOSTS['foxtrot'].ipv4} iburst",
    f"server {HOSTS['golf'].ipv4} iburst prefer",
    "restrict 10.0.0.0/8 nomodify",
    "tos maxclock 6",
]
MINE = "# written by hand\n" + "\n".join([*SAME, "", *LOST]) + "\n"
BESIDE = "refclock shm unit 0 refid GPS minpoll 4 maxpoll 4\nrestrict 10.0.0.0/8 nomodify\n"


def write(server: Server, path: str, text: str) -> None:
    server.run(["tee", path], input=text, check=True)


def checks(result: Result) -> dict[str, dict[str, str]]:
    return {check["id"]: check for check in operator.page(result)["checks"]}


def follows(server: Server) -> set[str]:
    return {peer["address"] for peer in operator.page(operator.ntpjoin(server, "verify", "--json"))["peers"]}


@pytest.fixture
def operators(member: Server) -> Server:
    """An ntpsec that its operator installed and configured, with a reference clock; ntpjoin was never here."""
    member.run(["rm", "-r", "/var/lib/ntpjoin", "/var/cache/ntpjoin", "/etc/ntpsec/ntp.d/local.conf"], check=True)
    member.run(["sed", "-i", 's/^IGNORE_DHCP=.*/IGNORE_DHCP=""/', "/etc/default/ntpsec"], check=True)
    write(member, CONFIG, MINE)
    write(member, SNIPPET, BESIDE)
    write(member, "/etc/ntpsec/ntp.keys", "7 SHA1 0123456789abcdef0123456789abcdef01234567\n")
    member.put(Path(__file__).with_name("refclock.py"), "/usr/local/sbin/refclock.py")
    member.run(["systemd-run", "--unit=gps", "python3", "/usr/local/sbin/refclock.py"], check=True)
    member.run(["systemctl", "restart", "ntpsec"], check=True)
    return member


def test_an_operators_own_configuration_is_replaced_only_where_he_says_so_and_comes_back(operators: Server) -> None:
    server = operators
    before = server.snapshot()
    refused = operator.ntpjoin(server, "setup", *operator.UNATTENDED, *operator.WISH, "--json")
    assert refused.code == 3, refused.out
    [blocker] = operator.page(refused)["blockers"]
    assert blocker["code"] == "config"
    assert [line.strip() for line in blocker["text"].splitlines()[1:]] == LOST
    assert before.diff(server.snapshot()) == []

    done = operator.set_up(server, "--replace", "--json")
    assert done.code == 0, done.out + done.err
    page = operator.page(done)
    notes = [note["text"] for note in page["notes"]]
    assert any(all(f"    {line}" in note for line in LOST) for note in notes)
    assert any("a reference clock of yours" in note for note in notes)
    assert any("management queries are answered there" in note for note in notes)
    assert page["settled"] is True
    ours = {pin["address"] for pin in page["upstreams"]}
    assert {peer["address"] for peer in page["peers"]} == ours | {"127.127.28.0"}
    assert "tos minsane 4 " in server.run(["cat", CONFIG], check=True).out
    [clock] = [peer for peer in page["peers"] if peer["address"] == "127.127.28.0"]
    assert clock["source"] == "SHM(0)"
    assert server.run(["cat", SNIPPET]).out == BESIDE

    def heard() -> Any:
        peers = operator.page(operator.ntpjoin(server, "verify", "--json"))["peers"]
        return any(peer["address"] == "127.127.28.0" and peer["reach"] > 0 for peer in peers) or None

    wait_for(heard, 30 * server.slowness, "the reference clock is heard")
    verified = operator.ntpjoin(server, "verify", "--json")
    assert verified.code == 0, verified.out
    assert checks(verified)["sync.survivors"]["text"].endswith("of 6 sources agree")

    undone = operator.ntpjoin(server, "undo", "--yes", "--json", timeout=60)
    assert undone.code == 0, undone.out + undone.err
    assert operator.unexplained(before, server.snapshot()) == []
    assert server.run(["cat", CONFIG]).out == MINE
    assert server.run(["systemctl", "is-active", "ntpsec"]).out.strip() == "active"
    assert follows(server) == {HOSTS["foxtrot"].ipv4, HOSTS["golf"].ipv4, "127.127.28.0"}


def test_a_line_that_would_make_the_set_up_void_blocks_it_and_explains_a_silent_daemon(member: Server) -> None:
    write(member, SNIPPET, "# mine\nrestrict 127.0.0.1 noquery\nunrestrict default noquery\nrestrict ::1 noquery\n")
    refused = operator.ntpjoin(member, "setup", *operator.UNATTENDED, "--json")
    assert refused.code == 3, refused.out
    told = [(blocker["code"], blocker["text"].split(": ")[0]) for blocker in operator.page(refused)["blockers"]]
    assert told == [("include", f"{SNIPPET}:2"), ("include", f"{SNIPPET}:3"), ("include", f"{SNIPPET}:3")][: len(told)]
    assert {place for _, place in told} == {f"{SNIPPET}:2", f"{SNIPPET}:3"}
    # The control: such a daemon is silent indeed, and open to others.
    member.run(["systemctl", "restart", "ntpsec"], check=True)
    found = operator.ntpjoin(member, "verify", "--json")
    assert found.code == 1
    assert checks(found)["sync.peer"]["state"] == "unknown"
    assert f"{SNIPPET}:2: restrict 127.0.0.1 noquery" in checks(found)["sync.peer"]["text"]
    assert checks(found)["closed.ipv4"]["state"] == "fail"


@pytest.mark.campaign
def test_a_stock_file_that_the_package_manager_put_back_is_told(lab: Lab, member: Server, tmp_path: Path) -> None:
    [package] = (lab.image.repository / "pool").glob("ntpsec_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(tmp_path)], check=True)
    member.put(tmp_path / CONFIG.lstrip("/"), CONFIG, mode=0o644)
    found = operator.ntpjoin(member, "verify", "--json")
    assert found.code == 1, found.out
    assert checks(found)["service.file"]["state"] == "fail"
    assert "the package's own again" in checks(found)["service.file"]["text"]
    assert operator.ntpjoin(member, "setup", "--yes", timeout=90).code == 0
    mended = operator.ntpjoin(member, "verify", "--json")
    assert (mended.code, checks(mended)["service.file"]["state"]) == (0, "ok"), mended.out


# -- chrony serves, the clock is a month ahead, and a former ntp left its file

AHEAD_S = 30 * 86400
CHRONY = "# my own\nlocal stratum 10\nallow\ndriftfile /var/lib/chrony/chrony.drift\n"
FORMER = "# of a former ntp\nserver 192.0.2.99 iburst\n"


@dataclass
class TakeOver:
    """What was seen while chrony's server was taken over and given back."""

    before: Snapshot = field(default_factory=lambda: Snapshot({}, {}, {}, {}))
    refused: dict[str, Any] = field(default_factory=dict)
    setup: dict[str, Any] = field(default_factory=dict)
    off_s: float = 0.0
    again: dict[str, Any] = field(default_factory=dict)
    undo: dict[str, Any] = field(default_factory=dict)
    after: Snapshot = field(default_factory=lambda: Snapshot({}, {}, {}, {}))
    answered: str = ""


def make_chrony_serve(lab: Lab, server: Server) -> None:
    """As its operator did: chrony, open to all, with two clients; the clock far ahead."""
    server.run(["date", "-s", f"@{time.time():.2f}"], check=True)
    apt = ["apt-get", "-q", "-y", "-o", "Acquire::Max-FutureTime=3600"]
    server.run([*apt, "update"], check=True, timeout=30 * server.slowness)
    server.run([*apt, "install", "chrony"], check=True, timeout=60 * server.slowness)
    write(server, "/etc/chrony/chrony.conf", CHRONY)
    write(server, "/etc/ntp.conf", FORMER)
    server.run(["ufw", "allow", "123/udp"], check=True)
    server.run(["systemctl", "stop", "chrony"], check=True)
    server.run(["date", "-s", f"@{time.time() + AHEAD_S:.2f}"], check=True)
    server.run(["systemctl", "start", "chrony"], check=True)
    for client in ("client", "alpha"):
        lab.host(client).run(["ntpdig", SERVER4], timeout=60)


@pytest.fixture(scope="module")
def taken(lab: Lab, booted: Server) -> Iterator[TakeOver]:
    server, seen = booted, TakeOver()
    lab.heal()
    server.rollback("fresh")
    operator.carry(server)
    make_chrony_serve(lab, server)
    seen.before = server.snapshot()
    seen.refused = operator.page(operator.ntpjoin(server, "setup", "--yes", *operator.WISH, "--json", timeout=60))
    seen.setup = operator.page(operator.set_up(server, "--json"))
    seen.off_s = server.clock_offset()
    seen.again = operator.page(operator.ntpjoin(server, "setup", "--yes", "--json"))
    lab.packages.stop()
    seen.undo = operator.page(operator.ntpjoin(server, "undo", "--yes", "--json", timeout=60))
    seen.after = server.snapshot()
    seen.answered = lab.client.run(["ntpdig", SERVER4], timeout=60).out
    yield seen
    lab.heal()


@pytest.mark.campaign
def test_a_clock_that_is_ahead_is_not_set_back_unattended(taken: TakeOver) -> None:
    assert taken.refused["exit"] == 3
    assert [blocker["code"] for blocker in taken.refused["blockers"]] == ["step"]
    assert abs(taken.refused["offset_ms"] / 1000 + AHEAD_S) < 600


@pytest.mark.campaign
def test_it_is_with_a_word_of_its_operator(taken: TakeOver) -> None:
    assert (taken.setup["exit"], taken.setup["settled"]) == (0, True), taken.setup
    assert abs(taken.off_s) < 0.5


@pytest.mark.campaign
def test_the_plan_names_what_goes_and_how_many_it_serves(taken: TakeOver) -> None:
    assert [package["name"] for package in taken.setup["packages"]["removed"]] == ["chrony"]
    notes = [note["text"] for note in taken.setup["notes"]]
    assert any(note.startswith("/etc/ntp.conf is there") for note in notes)
    assert any(note.startswith("chronyd serves about 2 clients; they get no time until") for note in notes), notes


@pytest.mark.campaign
def test_a_second_run_changes_nothing(taken: TakeOver) -> None:
    assert (taken.again["exit"], taken.again["changed"]) == (0, False)


@pytest.mark.campaign
def test_undo_brings_chrony_back_running_with_its_own_configuration(taken: TakeOver) -> None:
    assert taken.undo["exit"] == 0, taken.undo
    assert operator.unexplained(taken.before, taken.after) == []
    assert taken.after.units["chrony.service"][1] == "active"
    assert " s10 " in taken.answered
