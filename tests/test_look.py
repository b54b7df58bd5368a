"""Looking: what is there becomes facts, what cannot be seen becomes unknown, and nothing is changed."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.facts import FileFact, FirewallFacts, PackageFacts, Unit
from ntpjoin.host.journal import FOLDER, Entry, Journal
from ntpjoin.host.machine import FileState, Host
from ntpjoin.look import daemon, packages
from ntpjoin.look.files import leapfile_valid, look_files
from ntpjoin.look.firewall import look_firewall
from ntpjoin.look.journal import look_journal, wish_from
from ntpjoin.look.network import look_addresses
from ntpjoin.look.system import look_system
from ntpjoin.model import Wish
from tests.conftest import Programs
from tests.sample import NTPSEC, PINS, ROW, TIMESYNCD, WISH, fresh

HOSTS = Path(__file__).parent / "hosts"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """Debian 12 as captured, in a copy."""
    monkeypatch.setattr(Host, "is_root", lambda _: True)
    shutil.copytree(HOSTS / "debian-12", tmp_path / "root", symlinks=True)
    return Host(root=tmp_path / "root")


def put(host: Host, path: str, text: str) -> None:
    host.make_folder(path.rpartition("/")[0])
    host.write(path, FileState(text.encode(), 0o644, ""))


# --- the system


def test_a_captured_debian_12(host: Host, programs: Programs) -> None:
    programs.says("systemd-detect-virt", "none\n", code=1)
    found = look_system(host)
    assert found == replace(fresh().system, title="Debian GNU/Linux 12 (bookworm)")
    assert found.row is ROW


def test_a_container_without_the_right_to_set_the_clock(host: Host, programs: Programs) -> None:
    programs.says("systemd-detect-virt", "lxc\n")
    put(host, "/proc/1/status", "CapBnd:\t000001fffdffffff\n")
    found = look_system(host)
    assert (found.container, found.may_set_clock) == ("lxc", False)


@pytest.mark.parametrize(
    ("bits", "may"), [("0000000002000000", True), ("0000000001ffffff", False), ("000001ffffffffff", True)]
)
def test_the_right_to_set_the_clock_is_bit_25(host: Host, programs: Programs, bits: str, may: bool) -> None:
    programs.says("systemd-detect-virt", code=1)
    put(host, "/proc/1/status", f"CapInh:\t0000000000000000\nCapBnd:\t{bits}\n")
    assert look_system(host).may_set_clock is may


def test_without_systemd(host: Host, programs: Programs) -> None:
    programs.says("systemd-detect-virt", code=1)
    shutil.rmtree(host.path("/run/systemd"))
    assert not look_system(host).systemd


def test_an_unknown_system_keeps_its_own_name(host: Host, programs: Programs) -> None:
    programs.says("systemd-detect-virt", code=1)
    put(host, "/usr/lib/os-release", 'ID=strange\nNAME="Strange Linux"\nPRETTY_NAME="Strange Linux 9"\nVERSION_ID=9\n')
    found = look_system(host)
    assert (found.row, found.title, found.id, found.version) == (None, "Strange Linux 9", "strange", "9")


# --- leap seconds


def leapfile(*, mended: bool = True) -> str:
    """A leap-seconds.list made by hand; its hash is of last update, expiry and data, with the blanks taken out."""
    digest = hashlib.sha1(b"3676924800" + b"3991593600" + b"227206080010" + b"228778560011").hexdigest()
    words = [digest[at : at + 8] for at in range(0, 40, 8)]
    if not mended:
        words[0] = "00000000" if words[0] != "00000000" else "00000001"
    # As in NIST's files, a word may come without its leading noughts.
    told = " ".join(word.lstrip("0") or "0" for word in words)
    return f"#\tcomment 12\n#$\t3676924800\n#@\t3991593600\n2272060800\t10\t# 1 Jan 1972\n2287785600\t11\t# 1 Jul 1972\n#h\t{told}\n"


def test_a_leap_file_with_its_hash_is_valid() -> None:
    assert leapfile_valid(leapfile())


@pytest.mark.parametrize(
    ("old", "new"),
    [("3991593600", "3991593601"), ("\t11\t", "\t12\t"), ("#h", "# h"), ("2287785600\t11\t# 1 Jul 1972\n", "")],
)
def test_a_leap_file_that_somebody_changed_is_not(old: str, new: str) -> None:
    assert old in leapfile()
    assert not leapfile_valid(leapfile().replace(old, new))


def test_neither_is_one_with_a_wrong_hash_nor_an_empty_one() -> None:
    assert not leapfile_valid(leapfile(mended=False))
    assert not leapfile_valid("")


def test_the_leap_file_of_this_machine_is_valid() -> None:
    real = Path(ROW.leapfile)
    if not real.exists():
        pytest.skip("no leap-seconds.list here")
    assert leapfile_valid(real.read_text())
    assert not leapfile_valid(real.read_text().replace("2272060800", "2272060801"))


# --- addresses

LINKS = [
    {"ifname": "lo", "addr_info": []},
    {
        "ifname": "eth0",
        "addr_info": [
            {"family": "inet6", "local": "2001:db8:113::7", "prefixlen": 64, "scope": "global"},
            {"family": "inet6", "local": "2001:db8:113::aaaa", "scope": "global", "temporary": True, "dynamic": True},
            {"family": "inet6", "local": "2001:db8:113::bbbb", "scope": "global", "deprecated": True},
            {"family": "inet6", "local": "2001:db8:113::cccc", "scope": "global", "tentative": True},
            {"family": "inet", "local": "203.0.113.70", "prefixlen": 24, "scope": "global", "secondary": True},
            {"family": "inet", "local": "203.0.113.7", "prefixlen": 24, "scope": "global"},
            {},
        ],
    },
    {},
]


def test_addresses_are_the_lasting_ones_ipv4_first(programs: Programs) -> None:
    programs.says("ip", json.dumps(LINKS))
    assert look_addresses(Host()) == ("203.0.113.7", "203.0.113.70", "2001:db8:113::7")


@pytest.mark.parametrize(("out", "code"), [("", 0), ("[]", 0), ("", 1)])
def test_a_host_without_addresses(programs: Programs, out: str, code: int) -> None:
    programs.says("ip", out, code=code)
    assert look_addresses(Host()) == ()


# --- the firewall

UFW = """\
Status: active
Default: deny (incoming), allow (outgoing), disabled (routed)

To                         Action      From
--                         ------      ----
123/udp                    ALLOW IN    Anywhere
"""


def ufw_here(host: Host) -> None:
    host.make_folder(str(Path(_path())))
    host.write(f"{_path()}/ufw", FileState(b"", 0o755, ""))


def _path() -> str:
    from ntpjoin.host import machine

    return machine.ENVIRONMENT["PATH"]


def test_an_active_ufw(host: Host, programs: Programs) -> None:
    ufw_here(host)
    programs.says("ufw", UFW)
    assert look_firewall(host) == FirewallFacts("ufw", {"IPv4": True, "IPv6": False})
    put(host, "/etc/default/ufw", "IPV6=no\n")
    assert look_firewall(host) == FirewallFacts("ufw", {"IPv4": True}, ("IPv4",))


def test_a_ufw_that_tells_nothing_is_unknown(host: Host, programs: Programs) -> None:
    ufw_here(host)
    programs.says("ufw", code=1)
    assert look_firewall(host).manager == "unknown"


@pytest.mark.parametrize(
    ("program", "out", "manager"),
    [
        ("", "", "none"),
        ("firewall-cmd", "running\n", "firewalld"),
        ("nft", "table inet x {\n chain in {\n  type filter hook input priority 0;\n", "rules"),
        ("nft", "table inet x {\n chain out {\n  type filter hook output priority 0;\n", "none"),
        ("iptables-save", "*filter\n:INPUT DROP [0:0]\n", "rules"),
        ("ip6tables-save", "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp -j DROP\n", "rules"),
        ("iptables-save", "*filter\n:INPUT ACCEPT [0:0]\n-A OUTPUT -j DROP\n", "none"),
    ],
)
def test_who_else_filters(host: Host, programs: Programs, program: str, out: str, manager: str) -> None:
    ufw_here(host)
    programs.says("ufw", "Status: inactive\n")
    if program:
        programs.says(program, out)
    assert look_firewall(host).manager == manager


def test_without_root_the_firewall_is_unknown(host: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "is_root", lambda _: False)
    assert look_firewall(host).manager == "unknown"
    assert programs.calls() == []


# --- files


def test_whose_a_file_is(host: Host, programs: Programs) -> None:
    stock = hashlib.md5(b"stock\n").hexdigest()
    programs.says("dpkg-query", f"\n /etc/a {stock}\n /etc/b {stock}\n")
    for name, text in (("a", "stock\n"), ("b", "edited\n"), ("c", "second\n"), ("d", "second, edited\n")):
        put(host, f"/etc/{name}", text)
    written = dict.fromkeys(("/etc/c", "/etc/d"), ("first\n", "second\n"))
    found = look_files(host, ROW, ("/etc/a", "/etc/b", "/etc/c", "/etc/d", "/etc/e"), written)
    assert {path: (fact.stock, fact.ours) if fact else None for path, fact in found.items()} == {
        "/etc/a": (True, False),
        "/etc/b": (False, False),
        "/etc/c": (False, True),
        "/etc/d": (False, False),
        "/etc/e": None,
    }
    assert isinstance(found["/etc/a"], FileFact)


# --- packages


def test_what_is_installed_needs_no_simulation(host: Host, programs: Programs) -> None:
    now = PackageFacts(installed={"ntpsec": "1"})
    assert packages.look_packages(host, ROW, now, clock_behind_s=0.0, say=lambda _: None) is now
    assert programs.calls() == []


def test_a_clock_that_is_not_known_leaves_the_indexes_alone(host: Host, programs: Programs) -> None:
    programs.says("apt-get", f"Remv {TIMESYNCD.name} [{TIMESYNCD.version}]\nInst ntpsec ({NTPSEC.version} x)\n")
    said: list[str] = []
    found = packages.look_packages(host, ROW, PackageFacts(), clock_behind_s=None, say=said.append)
    assert (found.install, found.remove, said) == ((NTPSEC,), (TIMESYNCD,), [])
    assert not [call for call in programs.calls() if call.endswith(" update")]


def test_refreshing_the_indexes_is_said_and_its_failure_told(host: Host, programs: Programs) -> None:
    programs.says("apt-get", err="E: no route\n", code=100)
    said: list[str] = []
    found = packages.look_packages(host, ROW, PackageFacts(), clock_behind_s=0.0, say=said.append)
    assert said == ["refreshing the package indexes"]
    assert found.problem == "the package indexes cannot be had:\nE: no route"


# --- the journal


def entry(number: int, kind: str, state: Any, **fields: Any) -> Entry:
    return Entry(number, kind, fields, {}, state)


CONFIG = {"path": ROW.config, "content": "x\n", "unit": ROW.unit}


@pytest.mark.parametrize(
    ("entries", "state", "due"),
    [
        ([], "open", False),
        ([entry(1, "config", "done", **CONFIG)], "open", True),
        ([entry(1, "config", "begun", **CONFIG)], "open", True),
        ([entry(1, "config", "done", **CONFIG)], "done", False),
        ([entry(1, "config", "undone", **CONFIG)], "open", False),
        ([entry(1, "config", "done", **CONFIG), entry(2, "daemon", "begun")], "open", True),
        ([entry(1, "config", "done", **CONFIG), entry(2, "daemon", "done")], "open", False),
        ([entry(1, "daemon", "done"), entry(2, "config", "done", **CONFIG)], "open", True),
        ([entry(1, "file", "done", path="/x", content="x", unit="")], "open", False),
        ([entry(1, "unit", "done", unit="x.service")], "open", False),
    ],
)
def test_when_a_died_run_leaves_a_restart_due(host: Host, entries: list[Entry], state: Any, due: bool) -> None:
    host.make_folder("/var/lib")
    journal = Journal(host)
    run = journal.open(asdict(WISH), tuple(asdict(pin) for pin in PINS))
    for one in entries:
        run = journal.put(run, one)
    journal.save(replace(run, state=state))
    found = look_journal(host)
    assert found.restart_due is due
    assert found.last is not None
    assert (found.last.wish, found.last.pins) == (WISH, PINS)
    assert found.written == ({ROW.config: ("x\n",)} if any(one.kind == "config" for one in entries) else found.written)


def test_an_undone_run_is_not_remembered(host: Host) -> None:
    host.make_folder("/var/lib")
    journal = Journal(host)
    journal.save(replace(journal.open(asdict(WISH), ()), state="undone"))
    assert look_journal(host).last is None


def test_a_journal_that_cannot_be_read_is_a_problem_in_words(host: Host) -> None:
    put(host, f"{FOLDER}/runs/0001/run.json", "{")
    assert "run.json cannot be read" in look_journal(host).problem


def test_a_wish_of_a_newer_release_is_understood_as_far_as_it_goes() -> None:
    assert wish_from({"upstreams": ["a.example"], "few": True, "colour": "red"}) == Wish(("a.example",), few=True)
    assert wish_from({}) == Wish()


# --- the daemon


def test_a_daemon_that_does_not_run(host: Host) -> None:
    assert daemon.look_daemon(host, ROW, Unit(ROW.unit)) is None


def test_a_daemon_that_runs(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.sample import BOARD

    monkeypatch.setattr(daemon, "ask_daemon", lambda: (BOARD, 20))
    monkeypatch.setattr("os.sysconf", lambda _: 100)
    put(host, "/proc/812/cmdline", f"/usr/sbin/ntpd\0-p\0/run/ntpd.pid\0-c\0{ROW.config}\0-g\0")
    put(host, "/proc/812/stat", "812 (nt (p) d) S " + " ".join(["0"] * 18) + " 5000 0 0\n")
    put(host, "/proc/uptime", "350.00 600.00\n")
    # A process of somebody else's that calls itself ntpd does not hide the unit's own.
    put(host, "/proc/99/cmdline", "/usr/sbin/ntpd\0")
    found = daemon.look_daemon(host, ROW, Unit(ROW.unit, pid=812))
    assert found is not None
    assert (found.pid, found.config, found.age_s, found.board) == (812, ROW.config, 300.0, BOARD)
    assert found.clients == 14
