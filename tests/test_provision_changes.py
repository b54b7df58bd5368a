"""Each kind of change: made, seen, taken back; and what earlier releases wrote can still be taken back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import pytest

from ntpjoin.errors import JournalProblem, StepFailed
from ntpjoin.facts import Facts, FileFact, Pinned, Unit
from ntpjoin.host import machine, ntpd, owners
from ntpjoin.host.journal import FOLDER, Journal
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.packages.manager import manager
from ntpjoin.host.programs import ENVIRONMENT
from ntpjoin.look.journal import look_journal
from ntpjoin.model import FAMILIES
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
    from_journal,
    kept,
)
from ntpjoin.provision.changes.packages import _upstream
from tests.conftest import Programs, put
from tests.sample import NTPSEC, PINS, PYTHON, ROW, SYSTEM, TIMESYNCD, WISH, converged, fresh

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


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/run/systemd/system").mkdir(parents=True)
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    monkeypatch.setattr(owners, "name", lambda *_: "root:root")
    return Site(Host(root=tmp_path / "root"), "/run")


# --- the journal's view


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


# --- files

FILE = WriteFile("/etc/ntpsec/ntp.d/x.conf", "ours\n", "x.service")


def seen(site: Site, path: str = FILE.path) -> Facts:
    """The facts as looking at that file would have them."""
    state = site.host.state(path)
    fact = FileFact(state.content, state.mode, state.owner) if state else None
    return Facts(SYSTEM, files={path: fact})


def test_a_file_is_written_and_taken_away_with_the_folders_made_for_it(site: Site) -> None:
    assert not FILE.holds(seen(site))
    before = json.loads(json.dumps(FILE.before(site)))
    assert before == {"file": None, "folders": ["/etc/ntpsec/ntp.d", "/etc/ntpsec"]}
    FILE.apply(site)
    assert FILE.holds(seen(site))
    assert FILE.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()


def test_a_folder_that_others_use_meanwhile_stays(site: Site) -> None:
    before = FILE.before(site)
    FILE.apply(site)
    site.host.write("/etc/ntpsec/other", FileState(b"", 0o644, ""))
    assert FILE.undo(site, before).state == "restored"
    assert site.host.names("/etc/ntpsec") == ("other",)


@pytest.mark.parametrize("content", [b"former\n", b"", b"\xff\0binary"])
def test_a_file_that_was_there_comes_back_as_it_was(site: Site, content: bytes) -> None:
    site.host.make_folder("/etc/ntpsec/ntp.d")
    former = FileState(content, 0o640, "root:root")
    site.host.write(FILE.path, former)
    before = json.loads(json.dumps(FILE.before(site)))
    FILE.apply(site)
    assert site.host.state(FILE.path) == FileState(b"ours\n", 0o644, "root:root")
    assert FILE.undo(site, before).state == "restored"
    assert site.host.state(FILE.path) == former


@pytest.mark.parametrize("was_there", [True, False])
def test_what_somebody_edited_since_is_kept(site: Site, was_there: bool) -> None:
    if was_there:
        site.host.make_folder("/etc/ntpsec/ntp.d")
        site.host.write(FILE.path, FileState(b"former\n", 0o644, "root:root"))
    before = FILE.before(site)
    FILE.apply(site)
    site.host.write(FILE.path, FileState(b"edited\n", 0o644, "root:root"))
    undone = FILE.undo(site, before)
    assert (undone.state, site.host.text(FILE.path)) == ("kept", "edited\n")
    assert "was edited since" in undone.text


@pytest.mark.parametrize("was_there", [True, False])
def test_undoing_what_was_begun_only_changes_nothing(site: Site, was_there: bool) -> None:
    if was_there:
        site.host.make_folder("/etc/ntpsec/ntp.d")
        site.host.write(FILE.path, FileState(b"former\n", 0o600, "root:root"))
    before = FILE.before(site)
    assert FILE.undo(site, before).state == "restored"
    assert site.host.exists(FILE.path) is was_there


def test_undoing_twice_does_no_harm(site: Site) -> None:
    before = FILE.before(site)
    FILE.apply(site)
    assert [FILE.undo(site, before).state for _ in range(2)] == ["restored", "restored"]


def test_a_file_that_somebody_removed_since_comes_back(site: Site) -> None:
    site.host.make_folder("/etc/ntpsec/ntp.d")
    site.host.write(FILE.path, FileState(b"former\n", 0o644, "root:root"))
    before = FILE.before(site)
    FILE.apply(site)
    site.host.remove(FILE.path)
    site.host.remove_folder("/etc/ntpsec/ntp.d")
    assert FILE.undo(site, before).state == "restored"
    assert site.host.text(FILE.path) == "former\n"


def test_what_a_killed_write_left_goes_with_the_undo(site: Site) -> None:
    before = FILE.before(site)
    site.host.make_folder("/etc/ntpsec/ntp.d")
    site.host.write(FILE.path + machine.NEW, FileState(b"half", 0o600, ""))
    assert FILE.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()


@pytest.mark.parametrize(
    ("fact", "whose", "holds"),
    [
        (None, "ours", False),
        (None, "operator", False),
        (FileFact(b"ours\n", 0o644, "root:root"), "ours", True),
        (FileFact(b"ours\n", 0o600, "root:root"), "ours", False),
        (FileFact(b"ours\n", 0o644, "ntpsec:ntpsec"), "ours", False),
        (FileFact(b"theirs\n", 0o644, "root:root"), "ours", False),
        (FileFact(b"theirs\n", 0o600, "x:y"), "operator", True),
        (None, "daemon", False),
        (FileFact(b"-3.1\n", 0o644, "ntpsec:ntpsec"), "daemon", True),
    ],
)
def test_when_a_file_is_as_it_shall_be(fact: Optional[FileFact], whose: Any, holds: bool) -> None:
    assert replace(FILE, whose=whose).holds(Facts(SYSTEM, files={FILE.path: fact})) is holds


def test_a_difference_is_shown_against_what_is(site: Site) -> None:
    assert FILE.diff(seen(site)).splitlines()[:2] == ["--- /dev/null", f"+++ {FILE.path}"]
    fact = FileFact(b"server x\nsame\n", 0o644, "root:root")
    shown = replace(FILE, content="same\n").diff(Facts(SYSTEM, files={FILE.path: fact}))
    assert "-server x" in shown.splitlines()
    assert replace(FILE, content="server x\nsame\n").diff(Facts(SYSTEM, files={FILE.path: fact})) == ""


def test_what_the_daemon_wrote_into_its_own_file_is_no_edit(site: Site) -> None:
    drift = replace(FILE, content="0.000\n", whose="daemon")
    before = drift.before(site)
    drift.apply(site)
    site.host.write(drift.path, FileState(b"-17.345\n", 0o644, "root:root"))
    assert drift.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()


def test_what_the_operator_wrote_into_his_own_file_is_kept(site: Site) -> None:
    own = replace(FILE, content="", whose="operator")
    before = own.before(site)
    own.apply(site)
    site.host.write(own.path, FileState(b"server x\n", 0o644, "root:root"))
    assert own.undo(site, before).state == "kept"
    assert site.host.text(own.path) == "server x\n"


CONFIG = WriteConfig("/etc/ntpsec/ntp.conf", "server 192.0.2.1\n", "x.service", daemon="/usr/sbin/ntpd")


def listen(monkeypatch: pytest.MonkeyPatch, *complaints: str, fault: Optional[Exception] = None) -> None:
    def checked(host: Host, daemon: str, path: str, content: str) -> tuple[str, ...]:
        assert (daemon, path, content) == (CONFIG.daemon, CONFIG.path, CONFIG.content)
        assert host.exists(path), "the candidate is laid over the path, which must be there"
        if fault:
            raise fault
        return complaints

    monkeypatch.setattr(ntpd, "complaints", checked)


def test_a_configuration_that_the_daemon_accepts_is_written(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    listen(monkeypatch)
    before = CONFIG.before(site)
    CONFIG.apply(site)
    assert site.host.text(CONFIG.path) == CONFIG.content
    assert CONFIG.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()


def test_one_that_it_complains_of_is_not(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    listen(monkeypatch, "line 1: syntax error")
    site.host.make_folder("/etc/ntpsec")
    site.host.write(CONFIG.path, FileState(b"former\n", 0o644, "root:root"))
    with pytest.raises(StepFailed, match=r"does not accept the new /etc/ntpsec/ntp\.conf:\nline 1: syntax error"):
        CONFIG.apply(site)
    assert site.host.text(CONFIG.path) == "former\n"


def test_the_empty_place_of_a_check_that_failed_is_taken_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    listen(monkeypatch, fault=StepFailed("no proof"))
    before = CONFIG.before(site)
    with pytest.raises(StepFailed, match="no proof"):
        CONFIG.apply(site)
    assert CONFIG.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()


# --- units


class Systemd:
    """systemctl as a script over files: one unit, its states, and what it was told."""

    def __init__(self, programs: Programs, **states: str) -> None:
        self.states = programs.folder / ".unit"
        self.states.mkdir()
        self.set(LoadState="loaded", UnitFileState="enabled", ActiveState="active", **states)
        script = f"""
cd {self.states}
case "$1" in
show) echo Id=x.service; for one in *; do read -r value < "$one"; echo "$one=$value"; done ;;
start|restart) echo active > ActiveState ;;
stop) echo inactive > ActiveState ;;
enable) echo enabled > UnitFileState ;;
disable) echo disabled > UnitFileState ;;
esac"""
        programs.add("systemctl", script)
        self.programs = programs

    def set(self, **states: str) -> None:
        for name, value in states.items():
            (self.states / name).write_text(f"{value}\n")

    def get(self) -> tuple[str, str]:
        return tuple((self.states / name).read_text().strip() for name in ("UnitFileState", "ActiveState"))  # type: ignore[return-value]

    def told(self) -> list[str]:
        return [call.split()[1] for call in self.programs.calls("systemctl") if call.split()[1] != "show"]


@pytest.fixture
def systemctl(programs: Programs) -> Systemd:
    return Systemd(programs)


STOP = SetUnit("x.service", "stop it", active=False)
HOLD = SetUnit("x.service", "hold it", held=True)


def unit_facts(site: Site) -> Facts:
    from ntpjoin.host.services import systemd

    return Facts(SYSTEM, units=systemd.show(site.host, ["x.service"]))


@pytest.mark.parametrize("enabled", ["enabled", "disabled", "static", "masked"])
def test_a_rival_is_stopped_and_brought_back(site: Site, systemctl: Systemd, enabled: str) -> None:
    systemctl.set(UnitFileState=enabled)
    before = json.loads(json.dumps(STOP.before(site)))
    assert not STOP.holds(unit_facts(site))
    STOP.apply(site)
    assert STOP.holds(unit_facts(site))
    undone = STOP.undo(site, before)
    assert (undone.state, systemctl.get()) == ("restored", (enabled, "active"))


@pytest.mark.parametrize("enabled", ["enabled", "disabled"])
@pytest.mark.parametrize("active", ["active", "inactive"])
def test_whatever_somebody_did_to_it_all_its_states_come_back(
    site: Site, systemctl: Systemd, enabled: str, active: str
) -> None:
    systemctl.set(UnitFileState=enabled, ActiveState=active)
    before = HOLD.before(site)
    HOLD.apply(site)
    systemctl.set(
        UnitFileState="disabled" if enabled == "enabled" else "enabled",
        ActiveState="inactive" if active == "active" else "active",
    )
    assert HOLD.undo(site, before).state == "restored"
    assert systemctl.get() == (enabled, active)
    assert not HOLD.holds(unit_facts(site))


def test_a_unit_that_does_not_come_back_is_a_failure(site: Site, systemctl: Systemd) -> None:
    before = STOP.before(site)
    STOP.apply(site)
    systemctl.programs.add(
        "systemctl", f"cd {systemctl.states}; [ $1 = show ] && for f in *; do read -r v < $f; echo $f=$v; done; exit 0"
    )
    undone = STOP.undo(site, before)
    assert undone.state == "failed"
    assert "does not run, did" in undone.text


def test_a_unit_that_was_not_there_needs_only_its_hold_taken_away(site: Site, systemctl: Systemd) -> None:
    systemctl.set(LoadState="not-found", UnitFileState="", ActiveState="inactive")
    before = HOLD.before(site)
    HOLD.apply(site)
    assert HOLD.holds(unit_facts(site))
    assert HOLD.undo(site, before).state == "restored"
    assert not HOLD.holds(unit_facts(site))
    assert set(systemctl.told()) == {"daemon-reload"}


# --- firewall

HEAD = "Status: active\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n\n"
RULE4 = f"{'123/udp':<26} {'ALLOW IN':<12}Anywhere\n"
RULE6 = f"{'123/udp (v6)':<26} {'ALLOW IN':<12}Anywhere (v6)\n"
PORT = AllowPort("ufw", 123)


@pytest.fixture
def managers(site: Site, programs: Programs) -> Programs:
    """Programs that are found below the root of the site, too."""
    place = site.host.path(ENVIRONMENT["PATH"])
    place.parent.mkdir(parents=True)
    place.symlink_to(programs.folder)
    return programs


def test_a_rule_is_added_and_taken_away(site: Site, managers: Programs) -> None:
    programs = managers
    programs.says("ufw", HEAD)
    before = PORT.before(site)
    PORT.apply(site)
    programs.says("ufw", HEAD + RULE4 + RULE6)
    undone = PORT.undo(site, before)
    assert undone.state == "failed", "this ufw keeps its rule whatever it is told"
    assert "ufw delete allow 123/udp" in programs.calls()
    programs.says("ufw", HEAD)
    assert PORT.undo(site, before).state == "restored"
    assert programs.calls().count("ufw delete allow 123/udp") == 1


def test_a_rule_that_was_there_before_stays(site: Site, managers: Programs) -> None:
    managers.says("ufw", HEAD + RULE4 + RULE6)
    before = json.loads(json.dumps(PORT.before(site)))
    undone = PORT.undo(site, before)
    assert undone.state == "restored"
    assert set(managers.calls("ufw")) == {"ufw status verbose"}


@pytest.mark.parametrize("before", [{"places": ["IPv4"]}, {"families": ["IPv4"]}])
def test_of_two_families_only_the_one_that_we_added_is_taken_away(
    site: Site, managers: Programs, before: dict[str, Any]
) -> None:
    managers.says("ufw", HEAD + RULE4 + RULE6)
    assert PORT.undo(site, before).state == "failed", "this ufw keeps its rule whatever it is told"
    assert managers.calls()[1] == "ufw delete allow proto udp to ::/0 port 123"


def test_a_manager_that_went_has_nothing_of_ours(site: Site, managers: Programs) -> None:
    assert PORT.undo(site, {"families": []}).state == "restored"
    assert IN_ZONES.undo(site, {"places": []}).state == "restored"
    assert managers.calls() == []


IN_ZONES = AllowPort("firewalld", 123, FAMILIES, ("work", "public"), ("public",), "service=ntp")

#: A firewall-cmd that remembers what it was told, below a folder: 'public', 'permanent-public'.
FIREWALL_CMD = """
cd {folder} || exit 9
case "$1" in --permanent) prefix=permanent-; shift;; *) prefix=;; esac
zone=${{1#--zone=}}
case "$2" in
  --query-service=ntp) if [ -e "$prefix$zone" ]; then echo yes; else echo no; exit 1; fi;;
  --add-service=ntp) : > "$prefix$zone"; echo success;;
  --remove-service=ntp) /bin/rm "$prefix$zone"; echo success;;
  *) exit 9;;
esac
"""


def test_in_zones_a_rule_is_added_in_both_and_taken_away_where_it_was_not(
    site: Site, managers: Programs, tmp_path: Path
) -> None:
    store = tmp_path / "zones"
    store.mkdir()
    managers.add("firewall-cmd", FIREWALL_CMD.format(folder=store))
    process = site.host.path("/proc/77/cmdline")
    process.parent.mkdir(parents=True)
    process.write_text("python3\0/usr/sbin/firewalld\0")
    (store / "work").touch()
    before = json.loads(json.dumps(IN_ZONES.before(site)))
    assert before == {"places": ["run-time work"]}
    IN_ZONES.apply(site)
    assert sorted(path.name for path in store.iterdir()) == ["permanent-public", "public", "work"]
    assert not [call for call in managers.calls() if "reload" in call]
    undone = IN_ZONES.undo(site, before)
    assert undone.state == "restored"
    assert [path.name for path in store.iterdir()] == ["work"]
    assert IN_ZONES.undo(site, before).state == "restored", "twice does no harm"


def test_a_rule_holds_only_while_it_lasts() -> None:
    both = {"IPv4": True, "IPv6": True}
    assert IN_ZONES.holds(fresh(firewall__admits=both))
    assert not IN_ZONES.holds(fresh(firewall__admits=both, firewall__lasts={"IPv4": True, "IPv6": False}))
    assert not IN_ZONES.holds(fresh(firewall__admits=both, firewall__lasts={"IPv4": None, "IPv6": True}))
    assert AllowPort("ufw", 123, ("IPv4",)).holds(fresh(firewall__admits={"IPv4": True, "IPv6": False}))


def test_which_family_stays_shut_is_told() -> None:
    facts = fresh(firewall__admits={"IPv4": True, "IPv6": False})
    assert PORT.why_not(facts) == "ufw still does not let 123/udp in over IPv6: an earlier rule decides otherwise"
    told = fresh(firewall__admits={"IPv4": True, "IPv6": False}, firewall__why={"IPv6": "its rule 5"})
    assert PORT.why_not(told) == "ufw still does not let 123/udp in over IPv6: its rule 5"


# --- settings

STOCK = """\
NTPD_OPTS="-g -N"

# Set to "yes" to ignore DHCP servers returned by DHCP.
IGNORE_DHCP=""

NAME=""
"""
ASSIGN = Assign("/etc/default/ntpsec", "IGNORE_DHCP", "yes", "so it shall be", ROW.unit)


def set_once(site: Site, text: Optional[str]) -> Any:
    """The file as it was, and our setting made in it; returns what the journal has."""
    site.host.make_folder("/etc/default")
    if text is not None:
        site.host.write(ASSIGN.path, FileState(text.encode(), 0o640, "root:root"))
    before = json.loads(json.dumps(ASSIGN.before(site)))
    ASSIGN.apply(site)
    assert ASSIGN.holds(fresh(files={ASSIGN.path: FileFact(site.host.read(ASSIGN.path) or b"", 0o640, "")}))
    return before


@pytest.mark.parametrize(
    ("text", "then"),
    [
        (STOCK, STOCK.replace('IGNORE_DHCP=""', 'IGNORE_DHCP="yes"')),
        ("IGNORE_DHCP=yes\n", "IGNORE_DHCP=yes\n"),
        ("IGNORE_DHCP='yes' # mine\n", "IGNORE_DHCP='yes' # mine\n"),
        ("IGNORE_DHCP=yes\nIGNORE_DHCP=no\nX=1", 'IGNORE_DHCP=yes\nIGNORE_DHCP="yes"\nX=1'),
        ("X=1", 'X=1\nIGNORE_DHCP="yes"\n'),
        ("X=1\r\n\tY=2\n\n", 'X=1\r\n\tY=2\n\nIGNORE_DHCP="yes"\n'),
        ("export IGNORE_DHCP=no\n", 'export IGNORE_DHCP=no\nIGNORE_DHCP="yes"\n'),
        ("IGNORE_DHCP=yes\nunset IGNORE_DHCP\n", 'IGNORE_DHCP=yes\nunset IGNORE_DHCP\nIGNORE_DHCP="yes"\n'),
        ("if x; then\n  IGNORE_DHCP=yes\nfi\n", 'if x; then\n  IGNORE_DHCP=yes\nfi\nIGNORE_DHCP="yes"\n'),
        ("IGNORE_DHCP=yes; IGNORE_DHCP=\n", 'IGNORE_DHCP=yes; IGNORE_DHCP=\nIGNORE_DHCP="yes"\n'),
        ('IGNORE_DHCP="yes\n', 'IGNORE_DHCP="yes\nIGNORE_DHCP="yes"\n'),
        ("MY_IGNORE_DHCP=yes\n", 'MY_IGNORE_DHCP=yes\nIGNORE_DHCP="yes"\n'),
        ("", 'IGNORE_DHCP="yes"\n'),
        (None, 'IGNORE_DHCP="yes"\n'),
    ],
)
def test_one_value_is_set_and_every_other_byte_stays(site: Site, text: Optional[str], then: str) -> None:
    before = set_once(site, text)
    assert site.host.read(ASSIGN.path) == then.encode()
    undone = ASSIGN.undo(site, before)
    assert undone.state == "restored", undone.text
    assert site.host.read(ASSIGN.path) == (None if text is None else text.encode())
    if text is not None:
        state = site.host.state(ASSIGN.path)
        assert state is not None
        assert state.mode == 0o640


def test_a_setting_that_was_begun_only_is_undone_too(site: Site) -> None:
    site.host.make_folder("/etc/default")
    site.host.write(ASSIGN.path, FileState(STOCK.encode(), 0o644, ""))
    assert ASSIGN.undo(site, json.loads(json.dumps(ASSIGN.before(site)))).state == "restored"
    assert site.host.text(ASSIGN.path) == STOCK


@pytest.mark.parametrize(
    ("edit", "state", "then"),
    [
        (("-g -N", "-g -N -4"), "restored", STOCK.replace("-g -N", "-g -N -4")),
        (('IGNORE_DHCP="yes"', "IGNORE_DHCP=no"), "kept", STOCK.replace('IGNORE_DHCP=""', "IGNORE_DHCP=no")),
        (('IGNORE_DHCP="yes"', 'IGNORE_DHCP=""'), "restored", STOCK),
        (('NAME=""', "export IGNORE_DHCP=no"), "kept", None),
    ],
)
def test_what_somebody_edited_since_stays(site: Site, edit: tuple[str, str], state: str, then: Optional[str]) -> None:
    before = set_once(site, STOCK)
    edited = site.host.text(ASSIGN.path).replace(*edit)
    site.host.write(ASSIGN.path, FileState(edited.encode(), 0o640, ""))
    undone = ASSIGN.undo(site, before)
    assert (undone.state, site.host.text(ASSIGN.path)) == (state, edited if then is None else then)


def test_a_line_that_was_added_goes_again_and_what_was_written_beside_it_stays(site: Site) -> None:
    before = set_once(site, None)
    site.host.write(ASSIGN.path, FileState(b'MINE=1\nIGNORE_DHCP="yes"\n', 0o644, ""))
    assert ASSIGN.undo(site, before).state == "restored"
    assert site.host.text(ASSIGN.path) == "MINE=1\n"


def test_a_file_that_went_since_is_not_made_again(site: Site) -> None:
    before = set_once(site, STOCK)
    site.host.remove(ASSIGN.path)
    assert ASSIGN.undo(site, before).state == "kept"
    assert not site.host.exists(ASSIGN.path)


def test_the_difference_that_a_setting_makes() -> None:
    facts = fresh(files={ASSIGN.path: FileFact(STOCK.encode(), 0o644, "root:root")})
    changed = [line for line in ASSIGN.diff(facts).splitlines() if line[0] in "+-"]
    assert changed[2:] == ['-IGNORE_DHCP=""', '+IGNORE_DHCP="yes"']
    assert ASSIGN.diff(fresh()) == ""


# --- packages

PACKAGES = InstallPackages(("ntpsec",), (NTPSEC, PYTHON), (TIMESYNCD,))


class Dpkg:
    """dpkg and apt as scripts over a list of what is installed."""

    def __init__(self, programs: Programs) -> None:
        self.programs = programs
        self.list = programs.folder / ".installed"
        self.conffiles = programs.folder / ".conffiles"
        self.conffiles.write_text("")
        query = f'case "$*" in *Conffiles*) /bin/cat {self.conffiles};; *) /bin/cat {self.list};; esac'
        programs.add("dpkg-query", query)
        programs.says("dpkg")
        programs.says("apt-mark", "systemd-timesyncd\n")
        programs.says("apt-get")

    def has(self, *packages: Pinned) -> None:
        self.list.write_text("".join(f"ii \t{package.name}\t{package.version}\n" for package in packages))

    def apt(self, *then: Pinned, also: str = "") -> None:
        """From now on apt-get leads to these packages."""
        lines = "".join(f"ii \t{package.name}\t{package.version}\n" for package in then)
        name = "systemd-timesyncd_252.39-1~deb12u1_amd64.deb"
        script = f"case \"$*\" in *download*) echo deb > {name};; *-s*) printf '{also}';; *) printf '{lines}' > {self.list};; esac"
        self.programs.add("apt-get", script)

    def did(self) -> list[str]:
        """What apt-get was told to do, without its simulations: 'purge -- x y'."""
        calls = [call for call in self.programs.calls("apt-get") if " -s " not in call and " -- " in call]
        return [f"{call.split(' -- ')[0].split()[-1]} -- {call.split(' -- ')[1]}" for call in calls]


@pytest.fixture
def dpkg(programs: Programs, site: Site) -> Dpkg:
    site.host.make_folder("/run/packages")
    return Dpkg(programs)


def installed(site: Site, dpkg: Dpkg) -> Any:
    dpkg.has(TIMESYNCD)
    dpkg.apt(NTPSEC, PYTHON)
    before = PACKAGES.before(site)
    PACKAGES.apply(site)
    return json.loads(json.dumps(before))


def test_the_file_of_a_package_that_goes_lies_in_the_journal_first(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    assert before == {
        "installed": {TIMESYNCD.name: TIMESYNCD.version},
        "residual": [],
        "automatic": [TIMESYNCD.name],
        "files": ["/run/packages/systemd-timesyncd_252.39-1~deb12u1_amd64.deb"],
        "present": {},
        "idle": {},
        "absent": [],
        "configs": {},
    }
    assert site.host.exists(before["files"][0])


def test_packages_are_purged_and_the_others_brought_back_with_their_marks(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    dpkg.apt(TIMESYNCD)
    undone = PACKAGES.undo(site, before)
    assert (undone.state, undone.text) == ("restored", "removed ntpsec, systemd-timesyncd is back")
    assert "purge -- ntpsec python3-ntp" in dpkg.did()


def test_a_file_that_was_there_before_the_package_outlives_its_purge(site: Site, dpkg: Dpkg) -> None:
    change = replace(PACKAGES, paths=("/etc/default/ntpsec", "/etc/ntpsec/ntp.conf"))
    mine = FileState(b"mine\n", 0o640, "root:root")
    site.host.make_folder("/etc/default")
    site.host.write("/etc/default/ntpsec", mine)
    dpkg.has(TIMESYNCD)
    dpkg.apt(NTPSEC, PYTHON)
    before = json.loads(json.dumps(change.before(site)))
    change.apply(site)
    dpkg.apt(TIMESYNCD)
    site.host.remove("/etc/default/ntpsec")  # as a purge does
    for _ in range(2):
        assert change.undo(site, before).state == "restored"
        assert site.host.state("/etc/default/ntpsec") == mine
        assert not site.host.exists("/etc/ntpsec")


def test_a_rival_that_did_not_run_does_not_run_when_it_is_back(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = replace(PACKAGES, idle=("chrony.service",))
    dpkg.has(TIMESYNCD)
    dpkg.apt(NTPSEC, PYTHON)
    dpkg.programs.says(
        "systemctl", "Id=chrony.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=inactive\n"
    )
    before = json.loads(json.dumps(change.before(site)))
    change.apply(site)
    dpkg.apt(TIMESYNCD)
    brought: list[tuple[str, bool]] = []
    monkeypatch.setattr(kept, "bring_back", lambda _, unit, states: brought.append((unit, states["active"])))
    assert change.undo(site, before).state == "restored"
    assert brought == [("chrony.service", False)]


def test_packages_with_an_edited_file_are_removed_and_kept(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    site.host.write("/etc/edited", FileState(b"mine", 0o644, ""))
    site.host.write("/etc/stock", FileState(b"stock", 0o644, ""))
    stock = hashlib.md5(b"stock").hexdigest()
    dpkg.conffiles.write_text(f"\n /etc/edited {stock}\n /etc/stock {stock}\n /etc/gone {stock}\n")
    dpkg.apt(TIMESYNCD)
    undone = PACKAGES.undo(site, before)
    assert undone.state == "kept"
    assert "/etc/edited was edited" in undone.text
    assert "/etc/stock" not in undone.text
    assert "remove -- ntpsec python3-ntp" in dpkg.did()


def test_a_file_that_the_installation_itself_made_another_is_nobodys_edit(site: Site, dpkg: Dpkg) -> None:
    """Seen: ntpsec's preinst makes its ntp.conf from an /etc/ntp.conf that a former package left."""
    stock = hashlib.md5(b"stock").hexdigest()
    dpkg.conffiles.write_text(f"\n /etc/made {stock}\n")
    site.host.write("/etc/made", FileState(b"from another", 0o644, ""))
    before = installed(site, dpkg)
    dpkg.apt(TIMESYNCD)
    assert PACKAGES.undo(site, before).state == "restored"
    assert "purge -- ntpsec python3-ntp" in dpkg.did()


def test_one_that_was_edited_after_that_is(site: Site, dpkg: Dpkg) -> None:
    stock = hashlib.md5(b"stock").hexdigest()
    dpkg.conffiles.write_text(f"\n /etc/made {stock}\n")
    site.host.write("/etc/made", FileState(b"from another", 0o644, ""))
    before = installed(site, dpkg)
    site.host.write("/etc/made", FileState(b"mine", 0o644, ""))
    dpkg.apt(TIMESYNCD)
    assert PACKAGES.undo(site, before).state == "kept"


def test_what_packages_should_bring_and_did_not_is_told() -> None:
    there = {NTPSEC.name: NTPSEC.version, PYTHON.name: PYTHON.version}
    change = InstallPackages(("ntpsec",), (NTPSEC, PYTHON), (TIMESYNCD,), (), ROW.unit, ROW.leapfile)
    unit = {ROW.unit: Unit(ROW.unit, "loaded")}
    assert change.holds(fresh(packages__installed=there, units=unit))
    assert (
        change.why_not(fresh(packages__installed=there, units={})) == f"ntpsec is installed, but there is no {ROW.unit}"
    )
    leapless = fresh(packages__installed=there, units=unit, leapfile_valid=False)
    assert not change.holds(leapless)
    assert change.why_not(leapless) == f"ntpsec is installed, but there is no valid {ROW.leapfile}"


def test_packages_that_others_need_by_now_stay(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    dpkg.apt(also="Remv ntpviz [1]\\nRemv ntpsec [1]\\nRemv python3-ntp [1]\\n")
    undone = PACKAGES.undo(site, before)
    assert undone.state == "kept"
    assert "would remove ntpviz, installed since" in undone.text
    assert not any(" purge " in call for call in dpkg.programs.calls("apt-get"))


def test_packages_that_do_not_come_back_are_a_failure(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    dpkg.apt()
    undone = PACKAGES.undo(site, before)
    assert undone.state == "failed"
    assert f"systemd-timesyncd is missing, was {TIMESYNCD.version}" in undone.text


LIB, NEWER, NEWEST = Pinned("libcap2", "1"), Pinned("libcap2", "2"), Pinned("libcap2", "3")
UPGRADING = InstallPackages(("ntpsec",), (NTPSEC, NEWER), (TIMESYNCD,), (LIB,))


def upgraded(site: Site, dpkg: Dpkg) -> Any:
    dpkg.has(TIMESYNCD, LIB)
    site.host.make_folder("/var/cache/apt/archives")
    site.host.write("/var/cache/apt/archives/libcap2_1_amd64.deb", FileState(b"old", 0o644, ""))
    dpkg.apt(NTPSEC, NEWER)
    dpkg.programs.says("apt-mark", "libcap2\n")
    before = UPGRADING.before(site)
    UPGRADING.apply(site)
    return json.loads(json.dumps(before))


def test_the_old_file_of_what_is_upgraded_lies_in_the_journal_and_its_mark_stays(site: Site, dpkg: Dpkg) -> None:
    before = upgraded(site, dpkg)
    assert before["installed"] == {TIMESYNCD.name: TIMESYNCD.version, "libcap2": "1"}
    assert "/run/packages/libcap2_1_amd64.deb" in before["files"]
    assert dpkg.programs.calls("apt-mark")[-1] == "apt-mark auto -- libcap2"


def test_what_was_upgraded_is_brought_back_to_the_version_that_it_had(site: Site, dpkg: Dpkg) -> None:
    before = upgraded(site, dpkg)
    dpkg.apt(TIMESYNCD, LIB)
    undone = UPGRADING.undo(site, before)
    assert undone.state == "restored"
    assert dpkg.did()[-2] == "purge -- ntpsec"
    assert dpkg.did()[-1].endswith("/run/packages/libcap2_1_amd64.deb")


def test_what_was_upgraded_again_since_stays(site: Site, dpkg: Dpkg) -> None:
    before = upgraded(site, dpkg)
    dpkg.has(NTPSEC, NEWEST)
    dpkg.apt(TIMESYNCD, NEWEST)
    undone = UPGRADING.undo(site, before)
    assert (undone.state, "libcap2 was upgraded again since" in undone.text) == ("kept", True)
    assert "libcap2" not in dpkg.did()[-1]


def test_where_nothing_of_it_was_begun_there_is_nothing_to_take_back(site: Site, dpkg: Dpkg) -> None:
    dpkg.has(TIMESYNCD)
    dpkg.apt()
    before = PACKAGES.before(site)
    # As while somebody else holds the lock: then nothing of it can be run.
    for program in ("apt-get", "apt-mark", "dpkg"):
        dpkg.programs.says(program, err="E: Could not get lock\n", code=100)
    assert PACKAGES.undo(site, before).state == "restored"


def test_what_cannot_be_configured_is_removed_all_the_same(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    dpkg.list.write_text(f"iF \tntpsec\t{NTPSEC.version}\n")
    dpkg.programs.says("dpkg", err="dpkg: error processing package ntpsec\n", code=1)
    dpkg.apt(TIMESYNCD)
    assert PACKAGES.undo(site, before).state == "restored"
    assert dpkg.did()[-2] == "purge -- ntpsec"


@pytest.mark.parametrize(
    ("there", "holds"),
    [
        ((NTPSEC, PYTHON), True),
        ((NTPSEC, Pinned(PYTHON.name, "0")), False),
        ((NTPSEC, PYTHON, TIMESYNCD), False),
        ((NTPSEC,), False),
        ((PYTHON,), False),
        ((), False),
    ],
)
def test_when_the_packages_are_as_they_shall_be(there: tuple[Pinned, ...], holds: bool) -> None:
    facts = fresh(packages__installed={package.name: package.version for package in there})
    assert PACKAGES.holds(facts) is holds


# --- the daemon

DAEMON = RunDaemon(ROW.unit, ROW.config, tuple(pin.address for pin in PINS))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"units": {}}, "does not run"),
        ({"units": {ROW.unit: Unit(ROW.unit, "loaded", condition=False)}}, "a condition of the unit is not met"),
        (
            {"units": {ROW.unit: Unit(ROW.unit, "loaded", "disabled", "active", pid=812)}},
            "would not run after a reboot",
        ),
        ({"daemon": None}, "is not ntpd"),
        ({"daemon__pid": 3}, "is not ntpd"),
        ({"daemon__config": "/x"}, "ntpd reads /x, not /etc/ntpsec/ntp.conf"),
        ({"holders": ()}, "does not hold UDP 123"),
        ({"daemon__board__system": None}, "does not tell its peers"),
        ({"daemon__board__peers": ()}, "ntpd follows nobody, not 192.0.2.1"),
        ({}, ""),
    ],
)
def test_what_is_wrong_with_the_daemon_is_told(parts: dict[str, Any], words: str) -> None:
    facts = converged(**parts)
    assert words in DAEMON.why_not(facts)
    assert DAEMON.holds(facts) is not bool(words)


def test_a_daemon_that_would_be_held_back_after_a_reboot_is_not_set_up() -> None:
    held = Unit(ROW.unit, "loaded", "enabled", "active", "running", 812, "bb", held=True)
    assert "held back" in DAEMON.why_not(converged(units={ROW.unit: held}))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"units": {}}, "does not run"),
        ({"daemon": None}, "is not ntpd"),
        ({"daemon__config": "/x"}, "ntpd reads /x, not /etc/ntpsec/ntp.conf"),
        ({"holders": ()}, "does not hold UDP 123"),
        ({"daemon__board__peers": ()}, ""),
        ({"units": {ROW.unit: Unit(ROW.unit, "loaded", "disabled", "active", "running", 812, "bb")}}, ""),
    ],
)
def test_a_daemon_started_again_is_another_invocation_that_serves(parts: dict[str, Any], words: str) -> None:
    facts = converged(**parts)
    again = RestartDaemon(ROW.unit, ROW.config, "aa")
    assert words in again.why_not(facts)
    assert again.holds(facts) is not bool(words)
    assert "was not started again" in RestartDaemon(ROW.unit, ROW.config, "bb").why_not(converged())


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
    kept.remember_conffiles(site, manager("pacman"), [], ("/etc/ntp.keys", "/etc/sysconfig/ntp"))
    put(tree, "/etc/sysconfig/ntp", "changed\n")
    kept.take_away_made(site, {"absent": ["/etc/ntp.keys", "/etc/sysconfig/ntp", "/etc/none"]})
    assert not tree.exists("/etc/ntp.keys")
    assert tree.text("/etc/sysconfig/ntp") == "changed\n"
