"""Every kind of change as the journal has it and as it is told; what earlier releases wrote can still be taken back."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from ntpjoin.errors import JournalProblem
from ntpjoin.facts import Pinned
from ntpjoin.host.journal import FOLDER, Journal
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.packages.manager import manager
from ntpjoin.look.journal import look_journal
from ntpjoin.provision.changes import (
    _KINDS,
    AllowPort,
    Assign,
    Change,
    CopyFile,
    HaveMetrics,
    InstallPackages,
    KeepUntracked,
    RemoveFile,
    RestartDaemon,
    RunDaemon,
    ServeSite,
    SetTimer,
    SetUnit,
    Site,
    WriteConfig,
    WriteFile,
    WriteUnit,
    brought,
    from_journal,
    kept,
)
from ntpjoin.provision.changes.packages import _upstream
from tests.conftest import put
from tests.sample import NTPSEC, PYTHON, ROW, TIMESYNCD, WISH, converged

JOURNALS = Path(__file__).parent / "journals"

#: One of every kind, with every field set.
EVERY = (
    SetUnit("systemd-timesyncd.service", "stop systemd-timesyncd.service", active=False),
    SetUnit(ROW.unit, "keep it", held=True),
    InstallPackages(("ntpsec",), (NTPSEC, PYTHON), (TIMESYNCD,)),
    WriteConfig("/etc/ntpsec/ntp.conf", "# grüße\nserver 192.0.2.1\n", ROW.unit, daemon="/usr/sbin/ntpd"),
    WriteFile("/etc/ntpsec/ntp.d/local.conf", "", ROW.unit, owner="ntpsec:ntpsec", mode=0o640, whose="operator"),
    WriteFile(ROW.drift, "0.000\n", "", "ntpsec:ntpsec", whose="daemon"),
    RunDaemon(ROW.unit, ROW.config, ("192.0.2.1", "2001:db8::2"), "aa", fresh=False, others=True),
    AllowPort("ufw", 123),
    Assign("/etc/default/ntpsec", "IGNORE_DHCP", "yes", "so it shall be", ROW.unit),
    RestartDaemon(ROW.unit, ROW.config, "aa"),
    InstallPackages(
        ("ntpsec",),
        (NTPSEC, PYTHON),
        (TIMESYNCD,),
        (Pinned(PYTHON.name, "1"),),
        ROW.unit,
        ROW.leapfile,
        (ROW.config,),
        ("chrony.service",),
        "dnf",
    ),
    AllowPort("firewalld", 123, ("IPv4",), ("public",), ("public", "home"), "service=ntp"),
    SetUnit("chronyd.service", "stop and disable it", active=False, enabled=False),
    InstallPackages(("ntpsec",), (), (), manager="dnf", source="EPEL", makes=("/etc/ntp.keys",)),
    CopyFile("/root/ntpjoin.pyz", "/usr/local/lib/ntpjoin/ntpjoin.pyz", "00ff"),
    WriteUnit("/etc/systemd/system/x.timer", "[Timer]\n", ROW.unit, "ntpsec:ntpsec", 0o600, "operator"),
    SetTimer("x.timer", "start it", active=True, held=False, enabled=True),
    RemoveFile("/etc/systemd/system/x.timer", "x.timer"),
    RemoveFile("/srv/x.prom", "", others=True),
    HaveMetrics("/srv/x.prom", "", ROW.unit, "ntpsec:ntpsec", 0o600, "daemon"),
    ServeSite(
        "/etc/x/ntpjoin",
        "server\n",
        ROW.unit,
        "x:x",
        0o600,
        "operator",
        "nginx",
        "nginx.service",
        "/etc/x/on",
        ("/etc/x/off",),
        ("nginx", "-t"),
        ("192.0.2.1",),
        ("a.example",),
    ),
    KeepUntracked("x.service", "/etc/systemd/system/x.service", "[Unit]\n", ("IPv4",)),
)


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.kind)
def test_a_change_survives_the_journal(change: Change) -> None:
    again = from_journal(change.kind, json.loads(json.dumps(change.fields())))
    assert again == change
    assert type(again) is type(change)
    assert hash(again) == hash(change)


def test_every_kind_is_among_them_and_every_default_is_changed() -> None:
    assert {change.kind for change in EVERY} == set(_KINDS)
    for kind, known in _KINDS.items():
        of_kind = [change for change in EVERY if change.kind == kind]
        for one in dataclasses.fields(known):
            values = [getattr(change, one.name) for change in of_kind]
            if one.default is not dataclasses.MISSING and kind != "config":
                assert any(value != one.default for value in values), f"{kind}.{one.name}"


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(JournalProblem, match="unknown kind 'teleport'"):
        from_journal("teleport", {})


def test_what_a_change_says_of_itself() -> None:
    assert [change.describe() for change in EVERY] == [
        "stop systemd-timesyncd.service",
        "keep it",
        f"install ntpsec {NTPSEC.version} with python3-ntp; removes systemd-timesyncd {TIMESYNCD.version}",
        "write /etc/ntpsec/ntp.conf (2 lines)",
        "create /etc/ntpsec/ntp.d/local.conf, empty, for your own lines",
        f"create {ROW.drift}: 0.000, until the daemon knows better",
        f"restart {ROW.unit}",
        "allow 123/udp in ufw",
        "set IGNORE_DHCP=yes in /etc/default/ntpsec: so it shall be",
        f"restart {ROW.unit}",
        f"install ntpsec {NTPSEC.version}; upgrades python3-ntp 1 to {PYTHON.version}; removes systemd-timesyncd {TIMESYNCD.version}",
        "allow ntp (123/udp) in firewalld's zones public and home",
        "stop and disable it",
        "install ntpsec from EPEL, with what it needs there",
        "copy /root/ntpjoin.pyz to /usr/local/lib/ntpjoin/ntpjoin.pyz",
        "create /etc/systemd/system/x.timer, empty, for your own lines",
        "start it",
        "remove /etc/systemd/system/x.timer",
        "remove /srv/x.prom",
        "create /srv/x.prom, empty, for the metrics of the daily check",
        "create /etc/x/ntpjoin, empty, for your own lines, enable it in place of /etc/x/off; nginx then reads it",
        "keep NTP to and from this host out of connection tracking: write, enable and start x.service",
    ]


def test_an_entry_that_is_not_understood_is_told() -> None:
    for fields in ({}, {"path": "/x", "content": "", "novel": 1}):
        with pytest.raises(JournalProblem, match="of the kind 'file' that this ntpjoin does not understand"):
            from_journal("file", fields)


def test_long_lists_are_cut() -> None:
    many = tuple(Pinned(f"p{number}", "1") for number in range(6))
    assert InstallPackages(("p0",), many, ()).describe() == "install p0 1 with p1, p2, p3 and 2 more"


@pytest.mark.parametrize("release", sorted(path.name for path in JOURNALS.iterdir()))
def test_the_journal_of_an_earlier_release_is_still_understood(release: str, tmp_path: Path) -> None:
    shutil.copytree(JOURNALS / release, tmp_path / "root" / FOLDER.lstrip("/") / "runs")
    host = Host(root=tmp_path / "root")
    found = Journal(host).runs()
    assert found
    kinds = set()
    for run in found:
        for entry in run.entries:
            change = from_journal(entry.kind, entry.fields)
            assert change.describe()
            assert change.object
            assert entry.before
            kinds.add(entry.kind)
    assert {"unit", "packages", "config", "file", "daemon", "firewall", "setting"} <= kinds
    facts = look_journal(host)
    assert facts.problem == ""
    assert facts.last is not None
    assert len(facts.last.pins) == len(facts.last.wish.upstreams) == 5


def test_the_journal_of_0_1_0_rebuilds_the_very_changes(tmp_path: Path) -> None:
    shutil.copytree(JOURNALS / "0.1.0", tmp_path / "root" / FOLDER.lstrip("/") / "runs")
    [run] = Journal(Host(root=tmp_path / "root")).runs()
    # What came later stands at the end.
    assert tuple(from_journal(entry.kind, entry.fields) for entry in run.entries) == EVERY[:9]
    assert look_journal(Host(root=tmp_path / "root")).runs[0].wish == WISH


def test_its_files_can_still_be_taken_back(site: Site, tmp_path: Path) -> None:
    """Not only read: the former bytes, mode and owner come back from the page of that release."""
    shutil.copytree(JOURNALS / "0.1.0", tmp_path / "root" / FOLDER.lstrip("/") / "runs")
    [run] = Journal(site.host).runs()
    [entry] = [one for one in run.entries if one.kind == "config"]
    change = from_journal(entry.kind, entry.fields)
    assert isinstance(change, WriteFile)
    site.host.make_folder("/etc/ntpsec")
    site.host.write(change.path, FileState(change.content.encode(), change.mode, change.owner))
    undone = change.undo(site, entry.before)
    assert (undone.state, site.host.text(change.path)) == ("restored", "# as it was\n")


# --- what is said when it is done


def test_what_was_done_is_told_by_what_was_seen() -> None:
    told = {change.kind: change.done(converged()) for change in EVERY if change.kind != "unit"}
    assert told == {
        "packages": "installed ntpsec 1.2.2",
        "config": "wrote /etc/ntpsec/ntp.conf",
        "file": f"created {ROW.drift}",
        "daemon": f"{ROW.unit} runs and reads {ROW.config}",
        "restart": f"{ROW.unit} runs anew as process 812, reads {ROW.config}, holds UDP 123",
        "firewall": "opened 123/udp in firewalld, IPv4",
        "setting": "set IGNORE_DHCP=yes in /etc/default/ntpsec",
        "copy": "copied itself to /usr/local/lib/ntpjoin/ntpjoin.pyz",
        "unit-file": "created /etc/systemd/system/x.timer",
        "timer": "released and started and enabled x.timer",
        "remove": "removed /srv/x.prom",
        "metrics": "created /srv/x.prom",
        "notrack": "NTP is kept out of connection tracking",
        "site": "nginx sends lost browsers to the pool's site, at 192.0.2.1",
    }
    assert [change.done(converged()) for change in EVERY if change.kind == "unit"] == [
        "stopped systemd-timesyncd.service",
        f"held back {ROW.unit}",
        "stopped and disabled chronyd.service",
    ]


@pytest.mark.parametrize(
    ("version", "short"), [("1:4.2.8p15+dfsg-1", "4.2.8p15"), ("1.2.2", "1.2.2"), ("2.0~rc1-3", "2.0"), ("", "")]
)
def test_versions_are_told_as_their_authors_count_them(version: str, short: str) -> None:
    assert _upstream(version) == short


def test_only_plain_files_are_kept_and_put_back_where_others_are(tree: Host) -> None:
    """As pacman lays down the package's own configuration when it comes back."""
    put(tree, "/etc/ntpd.conf", "its operator's\n")
    tree.link("/etc/linked.conf", "ntpd.conf")
    found = kept.states(tree, ["/etc/ntpd.conf", "/etc/linked.conf", "/etc/none"])
    assert list(found) == ["/etc/ntpd.conf"]
    put(tree, "/etc/ntpd.conf", "stock\n")
    kept.put_back(tree, found)
    assert tree.text("/etc/ntpd.conf") == "stock\n"
    kept.put_back(tree, json.loads(json.dumps(found)), over=True)
    assert tree.text("/etc/ntpd.conf") == "its operator's\n"


def test_what_scripts_have_made_goes_unless_somebody_has_changed_it(tree: Host) -> None:
    """As openSUSE's ntp makes its keys."""
    site = Site(tree, "/run")
    for path in ("/etc/ntp.keys", "/etc/sysconfig/ntp"):
        put(tree, path, "made\n")
    tree.make_folder("/run")
    brought.remember(site, manager("pacman"), [], ("/etc/ntp.keys", "/etc/sysconfig/ntp"))
    put(tree, "/etc/sysconfig/ntp", "changed\n")
    kept.take_away_made(site, {"absent": ["/etc/ntp.keys", "/etc/sysconfig/ntp", "/etc/none"]})
    assert not tree.exists("/etc/ntp.keys")
    assert tree.text("/etc/sysconfig/ntp") == "changed\n"
