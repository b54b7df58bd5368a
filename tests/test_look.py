"""Looking: what is there becomes facts, what cannot be seen becomes unknown, and nothing is changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Optional

import pytest

from ntpjoin.board import Billboard
from ntpjoin.errors import WireError
from ntpjoin.facts import FileFact, JournalFacts, PackageFacts, Pinned, Unit
from ntpjoin.host import chrony
from ntpjoin.host.distros import ROWS
from ntpjoin.host.journal import FOLDER, Entry, Journal
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.packages import apt
from ntpjoin.host.packages import manager as waiting
from ntpjoin.look import daemon, packages
from ntpjoin.look import look as look_module
from ntpjoin.look.config import look_directives, look_unread
from ntpjoin.look.files import leapfile_valid, look_files
from ntpjoin.look.journal import look_journal, wish_from
from ntpjoin.look.look import look_again
from ntpjoin.look.network import look_addresses, look_network
from ntpjoin.look.spaces import look_spaces
from ntpjoin.look.system import look_system
from ntpjoin.model import Event, Wish
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


def test_with_an_init_that_is_not_known(host: Host, programs: Programs) -> None:
    programs.says("systemd-detect-virt", code=1)
    shutil.rmtree(host.path("/run/systemd"))
    assert look_system(host).init is None


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


def test_a_leap_file_is_valid_also_where_python_was_built_without_sums_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "_sha1", None)
    assert leapfile_valid(leapfile())
    assert not leapfile_valid(leapfile(mended=False))


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
            {
                "family": "inet",
                "local": "203.0.113.7",
                "prefixlen": 24,
                "scope": "global",
                "valid_life_time": 4294967295,
            },
            {},
        ],
    },
    {},
]


def test_addresses_are_the_lasting_ones_ipv4_first(programs: Programs) -> None:
    programs.says("ip", json.dumps(LINKS))
    assert look_addresses(Host()) == ("203.0.113.7", "203.0.113.70", "2001:db8:113::7")
    assert look_network(Host()).leases == {}


def test_addresses_that_were_only_lent_are_told_with_their_time_also_temporary_ones(programs: Programs) -> None:
    entries = [
        {"local": "203.0.113.7", "dynamic": True, "valid_life_time": 3600, "preferred_life_time": 3600},
        {"local": "203.0.113.8", "valid_life_time": 4294967295},
        {"local": "2001:db8:113::7", "dynamic": True, "mngtmpaddr": True, "valid_life_time": 2591000},
        {"local": "2001:db8:113::a", "temporary": True, "dynamic": True, "valid_life_time": 600},
        {"local": "2001:db8:113::b", "valid_life_time": "soon"},
    ]
    programs.says("ip", json.dumps([{"ifname": "eth0", "addr_info": entries}]))
    found = look_network(Host())
    assert found.addresses == ("203.0.113.7", "203.0.113.8", "2001:db8:113::7", "2001:db8:113::b")
    assert found.leases == {"203.0.113.7": 3600, "2001:db8:113::7": 2591000, "2001:db8:113::a": 600}


@pytest.mark.parametrize(("out", "code"), [("", 0), ("[]", 0), ("", 1)])
def test_a_host_without_addresses(programs: Programs, out: str, code: int) -> None:
    programs.says("ip", out, code=code)
    assert look_addresses(Host()) == ()


def test_without_root_what_is_remembered_is_unknown_where_there_is_a_journal(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Host, "is_root", lambda _: False)
    assert look_journal(host) == JournalFacts()
    put(host, "/var/lib/ntpjoin/runs/0001/run.json", "{}")
    assert look_journal(host) == JournalFacts(unseen=True)


# --- files


def test_whose_a_file_is(host: Host, programs: Programs) -> None:
    stock = hashlib.md5(b"stock\n").hexdigest()
    programs.says("dpkg-query", f"\n /etc/a {stock}\n /etc/b {stock}\n")
    for name, text in (("a", "stock\n"), ("b", "edited\n"), ("c", "second\n"), ("d", "second, edited\n")):
        put(host, f"/etc/{name}", text)
    written = dict.fromkeys(("/etc/c", "/etc/d"), ("first\n", "second\n"))
    row = replace(ROW, config="/etc/a", include="/etc/b")
    found = look_files(host, row, ("/etc/a", "/etc/b", "/etc/c", "/etc/d", "/etc/e"), written)
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
    assert packages.look_packages(host, ROW, now, clock_behind_s=0.0, tell=lambda _: None) is now
    assert programs.calls() == []


def test_a_clock_that_is_not_known_leaves_the_indexes_alone(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query")
    programs.says("apt-get", f"Remv {TIMESYNCD.name} [{TIMESYNCD.version}]\nInst ntpsec ({NTPSEC.version} x)\n")
    said: list[Event] = []
    found = packages.look_packages(host, ROW, PackageFacts(), clock_behind_s=None, tell=said.append)
    assert (found.install, found.remove, said) == ((NTPSEC,), (TIMESYNCD,), [])
    assert not [call for call in programs.calls() if call.endswith(" update")]


def test_refreshing_the_indexes_is_said_and_its_failure_told(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query")
    programs.says("apt-get", err="E: no route\n", code=100)
    said: list[Event] = []
    found = packages.look_packages(host, ROW, PackageFacts(), clock_behind_s=0.0, tell=said.append)
    assert [event.text for event in said] == ["refreshing the package indexes"]
    assert found.problem == "the package indexes cannot be had:\nE: no route"


def test_the_file_of_what_would_be_upgraded_is_fetched_too(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query")
    says = f"Inst libcap2 [1] (2 x)\\nInst ntpsec ({NTPSEC.version} x)"
    script = f'case "$*" in *download*) : > libcap2_1_amd64.deb;; *) printf "{says}";; esac'
    programs.add("apt-get", script)
    programs.says("dpkg-deb")
    found = packages.look_packages(host, ROW, PackageFacts(), clock_behind_s=None, tell=lambda _: None)
    assert found.upgrade == (Pinned("libcap2", "1"),)
    assert found.install == (Pinned("libcap2", "2"), NTPSEC)
    assert found.kept == {"libcap2": "/var/cache/ntpjoin/packages/libcap2_1_amd64.deb"}


def test_who_uses_the_package_manager_is_waited_for_and_told(
    host: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.says("dpkg-query", "iU \tntpsec\t1\n")
    monkeypatch.setattr(apt, "busy", lambda _: "apt-get (process 7)")
    monkeypatch.setattr(waiting, "sleep", lambda _: None)
    clock = iter(range(0, 1000, 50))
    monkeypatch.setattr(waiting, "monotonic", lambda: next(clock))
    said: list[Event] = []
    found = packages.look_packages(host, ROW, PackageFacts(), clock_behind_s=0.0, tell=said.append)
    assert (found.busy, found.unfinished, found.install) == ("apt-get (process 7)", ("ntpsec",), ())
    assert {(event.kind, event.text, event.limit_s) for event in said} == {
        ("wait", "waiting for apt-get (process 7)", 120)
    }


def test_what_was_installed_while_it_was_waited_for_needs_no_simulation(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query", "ii \tntpsec\t1\n")
    found = packages.look_packages(host, ROW, PackageFacts(), clock_behind_s=0.0, tell=lambda _: None)
    assert found == PackageFacts(installed={"ntpsec": "1"})


# --- room


def test_the_file_systems_are_asked(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("etc", "usr", "var/lib"):
        (host.root / folder).mkdir(parents=True, exist_ok=True)
    found = {space.folder: space for space in look_spaces(host)}
    assert set(found) == {"/etc", "/usr", "/var/lib"}
    assert found["/etc"].writable
    assert found["/etc"].free > 0
    (host.root / "srv").mkdir()
    more = [space.folder for space in look_spaces(host, "/srv", "/nowhere")]
    assert more == ["/etc", "/usr", "/var/lib", "/srv"]
    told = os.statvfs(host.root)
    shut = os.statvfs_result((*told[:8], told.f_flag | os.ST_RDONLY, told.f_namemax))
    monkeypatch.setattr(os, "statvfs", lambda _: shut)
    assert not any(space.writable for space in look_spaces(host))


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


# --- what the daemon reads beside ours


def test_the_operators_files_are_read_in_their_order_with_what_they_include(host: Host) -> None:
    put(host, f"{ROW.snippets}/b.conf", f"# b\nserver 192.0.2.1\nincludefile {ROW.snippets}/more\ntos minsane 2\n")
    put(host, f"{ROW.snippets}/a.conf", "restrict 10.0.0.0/8\n")
    put(host, f"{ROW.snippets}/more", "refclock shm\n")
    put(host, f"{ROW.snippets}/c.conf.off", "server 192.0.2.2\n")
    assert [str(one).removeprefix(f"{ROW.snippets}/") for one in look_directives(host, ROW)] == [
        "a.conf:1: restrict 10.0.0.0/8",
        "b.conf:2: server 192.0.2.1",
        "more:1: refclock shm",
        "b.conf:4: tos minsane 2",
    ]


def test_files_that_are_there_but_not_for_us_to_read_are_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look_unread(host, ROW) == ()
    put(host, f"{ROW.snippets}/a.conf", "restrict 10.0.0.0/8\n")
    put(host, f"{ROW.snippets}/b.conf", "server 192.0.2.1\n")
    read = Host.read
    monkeypatch.setattr(Host, "read", lambda self, path: None if path.endswith("b.conf") else read(self, path))
    assert look_unread(host, ROW) == (f"{ROW.snippets}/b.conf",)
    assert [one.words[0] for one in look_directives(host, ROW)] == ["restrict"]
    elsewhere = replace(ROW, snippets="", include="/etc/closed/b.conf")
    assert look_unread(host, elsewhere) == ()

    def closed(_: Host, path: str) -> bool:
        raise PermissionError(path)

    monkeypatch.setattr(Host, "exists", closed)
    assert look_unread(host, elsewhere) == ("/etc/closed/b.conf",)


def test_a_file_that_includes_itself_comes_to_an_end(host: Host) -> None:
    put(host, f"{ROW.snippets}/a.conf", f"server 192.0.2.1\nincludefile {ROW.snippets}/a.conf\n")
    # Once, and five levels more, as ntpd; the line at which it gives up stays.
    assert [one.words[0] for one in look_directives(host, ROW)] == ["server"] * 6 + ["includefile"]


def test_where_a_system_has_no_such_folder_the_include_file_is_read(host: Host) -> None:
    put(host, "/etc/own.conf", "server 192.0.2.1\n")
    assert len(look_directives(host, replace(ROW, snippets="", include="/etc/own.conf"))) == 1


@pytest.mark.parametrize(
    ("said", "code", "clients"),
    [
        (
            "192.0.2.1,3,0,6,-1,10,0,0,-1,4294967295\n2001:db8::1,1,0,6,-1,10,0,0,-1,1\n127.0.0.1,0,0,0,0,0,5,0,0,0\n",
            0,
            2,
        ),
        ("192.0.2.1,0,0,6,-1,10,4,0,-1,4294967295\n127.0.0.1,9,0,0,0,0,0,0,0,0\n", 0, 0),
        ("", 0, 0),
        ("501 Not authorised\n", 1, None),
    ],
)
def test_the_clients_of_chronyd_are_counted(
    host: Host, programs: Programs, said: str, code: int, clients: Optional[int]
) -> None:
    programs.says("chronyc", said, code=code)
    assert chrony.clients(host) == clients


def test_what_packages_brought_is_looked_at_with_them(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query", f"ii \t{NTPSEC.name}\t{NTPSEC.version}\n")
    programs.says("systemctl", f"Id={ROW.unit}\nLoadState=loaded\n")
    put(host, ROW.leapfile, leapfile())
    put(host, ROW.config, "driftfile /x\n")
    facts = look_again(host, fresh(leapfile_valid=False), "packages")
    assert facts.packages.installed == {NTPSEC.name: NTPSEC.version}
    assert facts.leapfile_valid
    assert facts.files[ROW.config] is not None
    assert facts.unit(ROW.unit).exists


# --- the daemon


def test_a_daemon_that_does_not_run(host: Host) -> None:
    assert daemon.look_daemon(host, ROW.daemon, ROW.config, Unit(ROW.unit), None) is None


def test_a_daemon_that_runs(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.sample import BOARD

    monkeypatch.setattr(daemon, "look_billboard", lambda minsane: replace(BOARD, minsane=minsane))
    monkeypatch.setattr("os.sysconf", lambda _: 100)
    put(host, "/proc/812/cmdline", f"/usr/sbin/ntpd\0-p\0/run/ntpd.pid\0-c\0{ROW.config}\0-g\0")
    put(host, "/proc/812/stat", "812 (nt (p) d) S " + " ".join(["0"] * 18) + " 5000 0 0\n")
    monkeypatch.setattr("time.clock_gettime", {time.CLOCK_BOOTTIME: 350.0}.__getitem__)
    put(host, "/proc/uptime", "7.00 14.00\n")  # a container's own (lxcfs)
    # A process of somebody else's that calls itself ntpd does not hide the unit's own.
    put(host, "/proc/99/cmdline", "/usr/sbin/ntpd\0")
    found = daemon.look_daemon(host, ROW.daemon, ROW.config, Unit(ROW.unit, pid=812), 3)
    assert found is not None
    assert (found.pid, found.config, found.age_s, found.board) == (812, ROW.config, 300.0, replace(BOARD, minsane=3))
    assert found.board.clients == 14
    # Of another file it is not known how many must agree.
    put(host, "/proc/812/cmdline", "/usr/sbin/ntpd\0-c\0/run/other.conf\0")
    other = daemon.look_daemon(host, ROW.daemon, ROW.config, Unit(ROW.unit, pid=812), 3)
    assert other is not None
    assert (other.config, other.board.minsane) == ("/run/other.conf", None)


@pytest.mark.parametrize(
    ("text", "more", "minsane"),
    [
        ("server 192.0.2.1\n", {}, 1),
        ("tos minsane 3\n", {}, 3),
        ("server 192.0.2.1\n", {"unread": ("/etc/ntpsec/ntp.d/x.conf",)}, None),
        (None, {}, None),
    ],
)
def test_how_many_must_survive_is_the_daemons_default_only_where_all_lines_are_known(
    text: Optional[str], more: dict[str, Any], minsane: Optional[int]
) -> None:
    file = FileFact((text or "").encode(), 0o644, "root:root", unseen=text is None)
    assert look_module._minsane(fresh(files={ROW.config: file}, **more), ROW) == minsane


def test_a_daemon_that_left_out_ipv4_is_asked_on_the_other_loopback_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from ntpjoin.wire import board, control
    from tests.sample import BOARD

    asked: list[str] = []

    @contextlib.contextmanager
    def client(address: str) -> Iterator[None]:
        asked.append(address)
        yield

    def billboard(_: None) -> Billboard:
        if asked[-1] == "127.0.0.1":
            raise WireError("silent")
        return BOARD

    monkeypatch.setattr(control, "ControlClient", client)
    monkeypatch.setattr(board, "billboard", billboard)
    assert daemon.look_billboard(2) == replace(BOARD, minsane=2)
    assert asked == ["127.0.0.1", "::1"]


def test_a_repository_is_asked_of_where_it_may_be_enabled_and_no_other_has_the_daemon(
    tree: Host, programs: Programs
) -> None:
    row = next(row for row in ROWS if row.name == "el-9")
    table = "Installing:\\n epel-release noarch 9-8.el9 base 6 k\\n\\nTransaction Summary\\n"
    nobody = 'echo "Error: Unable to find a match: ntpsec" >&2; exit 1'
    programs.add("dnf", f'case "$*" in *epel-release) printf "{table}"; exit 1 ;; *makecache) ;; *) {nobody} ;; esac')
    programs.says("rpm")
    asked = packages.look_packages(tree, row, PackageFacts(), clock_behind_s=0.0, tell=lambda _: None)
    assert (asked.missing, asked.enables) == (True, ())
    enabled = packages.look_packages(tree, row, PackageFacts(), clock_behind_s=0.0, tell=lambda _: None, enable=True)
    assert (enabled.missing, enabled.problem, enabled.enables) == (False, "", (Pinned("epel-release", "9-8.el9"),))
