"""Bad days: each fault gets its exit code, a message that names cause and remedy, and leaves the host as it was."""

from __future__ import annotations

import pytest

from tests.lab import Lab, Result, Server
from tests.lab.process import wait_for
from tests.lab.snapshot import Snapshot
from tests.real import operator
from tests.real.halting import Halted, before

pytestmark = pytest.mark.real

SETUP = ["setup", *operator.UNATTENDED, *operator.WISH]

#: Binds UDP 123 and answers nobody, for longer than the test takes; the next rollback ends it.
STRANGER = "import socket,time; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('',123)); time.sleep(9999)"

#: Where python3-ntp, which comes with ntpsec, puts its modules, and nobody else puts any.
MODULES = "/usr/lib/python3/dist-packages/ntp"

#: Takes all the room there is on the disk, root's own too.
FILL = "dd if=/dev/zero of=/var/filler bs=1M 2>/dev/null; dd if=/dev/zero of=/var/filler2 bs=1k 2>/dev/null; sync"


def held(server: Server, planted: Snapshot, result: Result, code: int, *words: str) -> None:
    """It ended with that code, said these words, and the host is as it was with the fault in it."""
    said = result.out + result.err
    assert result.code == code, said
    assert [word for word in words if word not in said] == [], said
    assert operator.unexplained(planted, server.snapshot()) == []


# --- refused before anything is touched


def test_a_stranger_on_port_123(server: Server) -> None:
    operator.carry(server)
    operator.background(server, "python3", "-c", STRANGER)
    held_port = ["ss", "-Huln", "sport = 123"]
    wait_for(lambda: server.run(held_port).out or None, 20 * server.slowness, "the stranger holds the port")
    planted = server.snapshot()
    refused = operator.ntpjoin(server, *SETUP)
    held(server, planted, refused, 3, "held by python3 (process ", "no time daemon we know", "ss -ulpn 'sport = 123'")


@pytest.mark.campaign
def test_dns_is_silent(lab: Lab, server: Server) -> None:
    operator.carry(server)
    planted = server.snapshot()
    lab.router.nft("add rule inet fault forward udp dport 53 drop")
    refused = operator.ntpjoin(server, *SETUP)
    held(server, planted, refused, 3, "none of the 5 upstreams can be followed", "does DNS work here?", "getent hosts")


@pytest.mark.campaign
def test_no_upstream_answers(lab: Lab, server: Server) -> None:
    operator.carry(server)
    planted = server.snapshot()
    lab.router.nft("add rule inet fault forward udp dport 123 drop")
    refused = operator.ntpjoin(server, *SETUP)
    held(server, planted, refused, 3, "none of the 5 upstreams can be followed", "may it send UDP 123?")


@pytest.mark.campaign
def test_the_archive_cannot_be_reached(lab: Lab, server: Server) -> None:
    operator.carry(server)
    planted = server.snapshot()
    lab.packages.stop()
    refused = operator.ntpjoin(server, *SETUP)
    held(server, planted, refused, 3, "ntpsec cannot be installed", "packages.example", "apt-get update tells more")


def test_etc_is_mounted_read_only(server: Server) -> None:
    operator.carry(server)
    server.run(["mount", "--bind", "/etc", "/etc"], check=True)
    server.run(["mount", "-o", "remount,ro,bind", "/etc"], check=True)
    planted = server.snapshot()
    refused = operator.ntpjoin(server, *SETUP)
    held(server, planted, refused, 3, "/etc cannot be written: the file system is read-only", "findmnt -T /etc")


@pytest.mark.campaign
def test_the_disk_is_full_from_the_start(server: Server) -> None:
    operator.carry(server)
    planted = server.snapshot()
    server.run(["sh", "-c", FILL], timeout=60 * server.slowness)
    refused = operator.ntpjoin(server, *SETUP)
    server.run(["rm", "/var/filler", "/var/filler2"], check=True)
    held(server, planted, refused, 3, " MB are free in /var/lib", "make room", "df /var/lib")


@pytest.mark.campaign
def test_a_second_run_at_the_same_time(server: Server) -> None:
    operator.carry(server)
    planted = server.snapshot()
    first = Halted.start(server, [1], *SETUP)
    first.wait_at(1)
    for words in (SETUP, ["undo", "--yes"], ["install", "--yes"]):
        second = operator.ntpjoin(server, *words)
        held(server, planted, second, 3, "another ntpjoin (process ", "wait until it has ended")
    looked = operator.ntpjoin(server, "verify")
    assert looked.code != 3
    assert "another ntpjoin" not in looked.out + looked.err


@pytest.mark.campaign
def test_the_package_manager_stays_busy_for_too_long(server: Server) -> None:
    operator.carry(server)
    planted = server.snapshot()
    operator.background(server, "python3", "-c", operator.LOCKER, operator.FOR_EVER)
    refused = operator.ntpjoin(server, *SETUP)
    held(server, planted, refused, 3, "in use by python3 (process ", "wait until it has ended")


@pytest.mark.campaign
def test_the_package_manager_is_busy_for_a_while(server: Server) -> None:
    operator.carry(server)
    operator.background(server, "python3", "-c", operator.LOCKER, "60")
    done = operator.set_up(server)
    assert done.code == 0, done.out + done.err
    assert "waiting for python3 (process " in done.err


# --- failed, and taken back


@pytest.mark.campaign
@pytest.mark.parametrize("fault", ["404", "garbage"])
def test_the_archive_breaks_while_packages_are_fetched(lab: Lab, server: Server, fault: str) -> None:
    operator.carry(server)
    planted = server.snapshot()
    lab.packages.break_paths({"/pool/ntpsec_": fault})
    failed = operator.ntpjoin(server, *SETUP, timeout=90)
    held(server, planted, failed, 1, "ended with exit code 100", "packages.log", "this host is as it was")


@pytest.mark.campaign
def test_the_disk_becomes_full_before_the_packages(server: Server) -> None:
    full_at(server, before("packages"), "ended with exit code 100", "packages.log")


@pytest.mark.campaign
def test_the_disk_becomes_full_while_dpkg_unpacks(server: Server) -> None:
    """A small file system where only ntpsec's packages put something: dpkg fails in the middle of them."""
    operator.carry(server)
    server.run(["mkdir", "-p", MODULES], check=True)
    server.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "small", MODULES], check=True)
    planted = server.snapshot()
    failed = operator.ntpjoin(server, *SETUP, timeout=90)
    held(server, planted, failed, 1, "No space left on device", "packages.log", "this host is as it was")


@pytest.mark.campaign
def test_the_disk_becomes_full_before_a_file_is_written(server: Server) -> None:
    full_at(server, before("file"), "could not be written: No space left on device", "df ")


@pytest.mark.campaign
def test_the_disk_becomes_full_before_the_configuration_is_checked(server: Server) -> None:
    full_at(server, before("config"), "could not be laid out for its check: there is no room", "df /tmp")


def full_at(server: Server, boundary: int, *words: str) -> None:
    operator.carry(server)
    planted = server.snapshot()
    halted = Halted.start(server, [boundary], *SETUP)
    halted.wait_at(boundary)
    server.run(["sh", "-c", FILL], timeout=60 * server.slowness)
    assert server.run(["df", "--output=avail", "/"], check=True).out.split()[1] == "0"
    halted.let_go()
    failed = halted.finish()
    server.run(["rm", "/var/filler", "/var/filler2"], check=True)
    held(server, planted, failed, 1, *words, "this host is as it was")


@pytest.mark.campaign
def test_what_leaves_from_port_123_is_filtered(lab: Lab, member: Server) -> None:
    """The survey asks from a high port and is answered; the daemon is not."""
    planted = member.snapshot()
    pid = member.run(["pgrep", "-x", "ntpd"], check=True).out
    lab.router.nft("add rule inet fault forward ip saddr 203.0.113.7 udp sport 123 udp dport 123 drop")
    lab.router.nft("add rule inet fault forward ip6 saddr 2001:db8:113::7 udp sport 123 udp dport 123 drop")
    names = [word for name in (*operator.NAMES, "ntp6.foxtrot") for word in ("--upstream", f"{name}.example")]
    failed = operator.ntpjoin(member, "setup", *operator.UNATTENDED, *names, "--wait", "45", timeout=90)
    held(member, planted, failed, 1, "each answered the survey", "filters UDP 123", "this host is as it was")
    # It was started anew with the other file, and is again with its own.
    assert member.run(["pgrep", "-x", "ntpd"], check=True).out != pid


def test_one_of_five_upstreams_lies(member: Server) -> None:
    names = [*(f"{name}.example" for name in operator.NAMES[:4]), "liar.example"]
    words = [word for name in names for word in ("--upstream", name)]
    done = operator.ntpjoin(member, "setup", *operator.UNATTENDED, *words, "--json", timeout=90)
    page = operator.page(done)
    assert done.code == 0, done.out + done.err
    assert sorted(pin["name"] for pin in page["upstreams"]) == sorted(names[:4])
    [note] = [note["text"] for note in page["notes"] if "liar.example" in note["text"]]
    assert "from the majority" in note


# --- the journal of earlier runs

RUN = "/var/lib/ntpjoin/runs/0001"


def journal_kept(server: Server, *words: str) -> None:
    """Whatever is to change this host refuses and names the remedy; not one byte of the journal is touched."""
    everything = ["sh", "-c", "find /var/lib/ntpjoin -type f | sort | xargs sha256sum"]
    pages, planted = server.run(everything, check=True).out, server.snapshot()
    for command in (["undo", "--yes"], ["setup", "--yes"]):
        refused = operator.ntpjoin(server, *command)
        held(server, planted, refused, 3, *words)
    assert server.run(everything, check=True).out == pages


def test_a_page_of_the_journal_is_cut_off(member: Server) -> None:
    member.run(["truncate", "-s", "100", f"{RUN}/003.json"], check=True)
    journal_kept(member, f"the journal page {RUN}/003.json cannot be read", "restore it; or move /var/lib/ntpjoin away")


@pytest.mark.campaign
def test_a_newer_release_wrote_the_journal(member: Server) -> None:
    member.run(["sed", "-i", 's/"schema": 1/"schema": 2/', f"{RUN}/run.json"], check=True)
    journal_kept(member, "has schema 2, this ntpjoin knows up to 1: a newer one wrote it", "use the newer ntpjoin")


@pytest.mark.campaign
def test_the_journal_cannot_be_read(member: Server) -> None:
    """A folder where a page should be: root, too, gets an error of the file system."""
    member.run(["sh", "-c", f"mv {RUN}/002.json {RUN}/kept && mkdir {RUN}/002.json"], check=True)
    journal_kept(member, f"the journal page {RUN}/002.json cannot be read", "restore it")


@pytest.mark.campaign
def test_the_folder_of_the_journal_is_full(server: Server) -> None:
    operator.carry(server)
    server.run(["mkdir", "-p", "/var/lib/ntpjoin"], check=True)
    server.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "small", "/var/lib/ntpjoin"], check=True)
    planted = server.snapshot()
    refused = operator.ntpjoin(server, *SETUP)
    held(server, planted, refused, 3, "the journal cannot be written", "make room", "df /var/lib/ntpjoin")
    server.run(["umount", "/var/lib/ntpjoin"], check=True)


def test_not_root_and_nobody_to_ask(server: Server) -> None:
    operator.carry(server)
    planted = server.snapshot()
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", operator.PROGRAM]
    held(server, planted, server.run([*nobody, *SETUP], timeout=60 * server.slowness), 3, "this needs root", "sudo")
    held(server, planted, operator.ntpjoin(server, "setup", *operator.WISH), 2, "there is nobody to ask", "--yes")
