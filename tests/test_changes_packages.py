"""Packages: installed, purged, brought back with their marks and their files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, ClassVar, cast

import pytest

from ntpjoin.facts import Pinned, Unit
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.packages import apt
from ntpjoin.host.packages.manager import Manager
from ntpjoin.provision.changes import (
    InstallPackages,
    Site,
    amid,
    kept,
)
from ntpjoin.provision.changes.amid import Amid
from ntpjoin.provision.changes.returning import way_back
from tests.conftest import Programs
from tests.sample import NTPSEC, PYTHON, ROW, TIMESYNCD, fresh

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
        programs.says("dpkg-deb")
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
        "folders": [],
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


ALLOWED, KEYS = "/etc/apparmor.d/local/usr.sbin.ntpd", "/etc/ntpsec/ntp.keys"


def made(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch, *, allowed: str = "", keys: str = "1 SHA1 secret"
) -> tuple[InstallPackages, Any]:
    """ntpsec, whose scripts have made a file for AppArmor and copied keys, if there were any; `allowed` stood in the one before."""
    change = replace(PACKAGES, makes=(KEYS, ALLOWED))
    site.host.make_folder("/etc/apparmor.d/local")
    if allowed:
        site.host.write(ALLOWED, FileState(allowed.encode(), 0o640, "root:root"))
    dpkg.has(TIMESYNCD)
    dpkg.apt(NTPSEC, PYTHON)
    before = json.loads(json.dumps(change.before(site)))
    site.host.make_folder("/etc/ntpsec")
    if keys:
        site.host.write(KEYS, FileState(keys.encode(), 0o640, ""))
    site.host.write(ALLOWED, FileState(allowed.encode(), 0o640, "root:root"))
    change.apply(site)
    dpkg.apt(TIMESYNCD)
    uninstalled = apt.uninstall

    def uninstall(host: Host, names: list[str], *, purge: bool, log: str) -> None:
        uninstalled(host, names, purge=purge, log=log)
        if purge:
            host.remove(ALLOWED)

    monkeypatch.setattr(apt, "uninstall", uninstall)
    monkeypatch.setattr(
        apt, "residual", lambda _host, names: names if any("remove" in did for did in dpkg.did()) else ()
    )
    return change, before


def test_what_scripts_have_made_goes_with_the_folder_that_was_made_for_it(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, before = made(site, dpkg, monkeypatch)
    assert change.undo(site, before).state == "restored"
    assert not site.host.exists(ALLOWED)
    assert not site.host.exists("/etc/ntpsec")
    assert site.host.exists("/etc/apparmor.d/local")


def test_what_apparmor_shall_allow_besides_is_not_purged_where_its_operator_has_written_it(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """verify tells him to; and the profile, which stays, fails where that file is not there."""
    change, before = made(site, dpkg, monkeypatch)
    site.host.write(ALLOWED, FileState(b"/dev/gps0 rw,\n", 0o644, ""))
    undone = change.undo(site, before)
    assert (undone.state, f"{ALLOWED} was edited and is kept" in undone.text) == ("kept", True)
    assert "remove -- ntpsec python3-ntp" in dpkg.did()
    assert site.host.text(ALLOWED) == "/dev/gps0 rw,\n"


def test_what_scripts_have_made_stays_where_their_package_is_not_purged(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, before = made(site, dpkg, monkeypatch)
    site.host.write(KEYS, FileState(b"mine", 0o640, ""))
    assert change.undo(site, before).state == "kept"
    assert site.host.exists(ALLOWED)
    assert site.host.text(KEYS) == "mine"


def test_a_file_of_that_name_that_no_script_has_made_is_the_operators_alone(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, before = made(site, dpkg, monkeypatch, keys="")
    site.host.write(KEYS, FileState(b"mine", 0o640, ""))
    assert change.undo(site, before).state == "restored"
    assert "purge -- ntpsec python3-ntp" in dpkg.did()
    assert site.host.text(KEYS) == "mine"


@pytest.mark.parametrize("since", ["former", "mine"])
def test_what_stood_there_before_the_packages_outlives_their_purge(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch, since: str
) -> None:
    change, before = made(site, dpkg, monkeypatch, allowed="former")
    site.host.write(ALLOWED, FileState(since.encode(), 0o640, "root:root"))
    assert change.undo(site, before).state == "restored"
    assert "purge -- ntpsec python3-ntp" in dpkg.did()
    assert site.host.state(ALLOWED) == FileState(since.encode(), 0o640, "root:root")


def test_what_stood_there_before_the_packages_comes_back_where_their_operator_has_purged_them(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, before = made(site, dpkg, monkeypatch, allowed="former")
    dpkg.has(TIMESYNCD)
    site.host.remove(ALLOWED)
    assert change.undo(site, before).state == "restored"
    assert site.host.state(ALLOWED) == FileState(b"former", 0o640, "root:root")


def test_an_installation_that_died_before_it_had_written_down_what_it_made_is_nobodys_edit(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, before = made(site, dpkg, monkeypatch)
    site.host.remove("/run/conffiles.json")
    assert change.undo(site, before).state == "restored"
    assert not site.host.exists(ALLOWED)


@pytest.mark.parametrize(
    ("installation", "since", "state"),
    [
        ("stock", "stock", "restored"),
        ("stock", "mine", "kept"),
        ("moved", "moved", "restored"),
        ("moved", "mine", "kept"),
    ],
)
def test_what_its_operator_has_made_of_the_configuration_of_what_went_stays(
    site: Site, dpkg: Dpkg, installation: str, since: str, state: str
) -> None:
    """As where he goes back to chrony, and first writes down how it shall be."""
    path = "/etc/systemd/timesyncd.conf"
    dpkg.conffiles.write_text(f"\n {path} {hashlib.md5(b'stock').hexdigest()}\n")
    site.host.make_folder("/etc/systemd")
    site.host.write(path, FileState(b"stock", 0o644, ""))
    dpkg.has(TIMESYNCD)
    dpkg.apt(NTPSEC, PYTHON)
    before = json.loads(json.dumps(PACKAGES.before(site)))
    site.host.write(path, FileState(installation.encode(), 0o644, ""))
    PACKAGES.apply(site)
    site.host.write(path, FileState(since.encode(), 0o644, ""))
    dpkg.conffiles.write_text("")
    dpkg.apt(TIMESYNCD)
    undone = PACKAGES.undo(site, before)
    assert undone.state == state
    assert site.host.text(path) == ("mine" if since == "mine" else "stock")
    assert undone.text.endswith("is back; /etc/systemd/timesyncd.conf was edited since and stays") is (state == "kept")


@pytest.mark.parametrize("since", ["stock", "mine"])
@pytest.mark.parametrize("step", ["put_back", "reinstall", "take_away_made", "leave_idle"])
def test_what_an_undo_that_died_amid_had_yet_to_do_is_done_by_the_next_one(
    site: Site, dpkg: Dpkg, monkeypatch: pytest.MonkeyPatch, step: str, since: str
) -> None:
    """chrony, which did not run, and its configuration, which it lays down anew; what came had a file that the purge takes away."""
    change = replace(PACKAGES, idle=("chrony.service",), paths=("/etc/ntpsec/ntp.d/local",))
    dpkg.programs.says(
        "systemctl", "Id=chrony.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=inactive\n"
    )
    config, own, stock = "/etc/chrony.conf", "/etc/ntpsec/ntp.d/local", hashlib.md5(b"stock").hexdigest()
    dpkg.conffiles.write_text(f"\n {config} {stock}\n")
    site.host.make_folder("/etc/ntpsec/ntp.d")
    site.host.write(config, FileState(b"former", 0o644, ""))
    dpkg.has(TIMESYNCD)
    dpkg.apt(NTPSEC, PYTHON)
    before = json.loads(json.dumps(change.before(site)))
    change.apply(site)
    if since == "mine":
        site.host.write(config, FileState(b"mine", 0o644, ""))
    site.host.write(own, FileState(b"local", 0o644, ""))
    dpkg.conffiles.write_text("")
    brought: list[str] = []
    monkeypatch.setattr(kept, "bring_back", lambda _, unit, __: brought.append(unit))
    uninstalled, reinstalled = apt.uninstall, apt.reinstall

    def uninstall(host: Host, names: list[str], *, purge: bool, log: str) -> None:
        uninstalled(host, names, purge=purge, log=log)
        if names:
            dpkg.has()
            host.remove(own)

    def reinstall(host: Host, files: list[str], log: str) -> None:
        reinstalled(host, files, log)
        if files:
            dpkg.has(TIMESYNCD)
            dpkg.conffiles.write_text(f"\n {config} {stock}\n")
            host.write(config, FileState(b"stock", 0o644, ""))

    def dies(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(apt, "uninstall", uninstall)
    monkeypatch.setattr(apt, "reinstall", reinstall)
    with monkeypatch.context() as once:
        once.setattr(apt if step == "reinstall" else kept, step, dies)
        with pytest.raises(SystemExit):
            change.undo(site, before)
    undone = change.undo(site, before)
    assert undone.state == ("kept" if since == "mine" else "restored")
    assert site.host.text(config) == ("mine" if since == "mine" else "former")
    assert site.host.text(own) == "local"
    assert brought == ["chrony.service"]
    site.host.write(config, FileState(b"later", 0o644, ""))
    assert change.undo(site, before).state == "restored"
    assert (site.host.text(config), brought) == ("later", ["chrony.service"])


def test_each_entry_of_a_run_has_its_own_page_of_what_is_yet_to_be_done(site: Site) -> None:
    first, second = replace(site, number=2), replace(site, number=5)
    amid.remember(first, Amid({}, {}, ("/etc/a",), ("lib",)))
    assert amid.recall(second) == (Amid({}, {}), False)
    former, died = amid.recall(first)
    assert died
    assert Amid({}, {}, ("/etc/b",)).over(former) == Amid({}, {}, ("/etc/a", "/etc/b"), ("lib",))
    amid.forget(first)
    assert not amid.recall(first)[1]


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


def test_a_file_of_which_an_upgrade_has_brought_another_is_nobodys_edit(site: Site, dpkg: Dpkg) -> None:
    """Ours stood there when the package was upgraded; undo has put back the one that it came with, and dpkg knows the newer only."""
    dpkg.conffiles.write_text(f"\n /etc/x {hashlib.md5(b'stock').hexdigest()}\n")
    site.host.write("/etc/x", FileState(b"stock", 0o644, ""))
    before = installed(site, dpkg)
    dpkg.conffiles.write_text(f"\n /etc/x {hashlib.md5(b'newer').hexdigest()}\n")
    dpkg.apt(TIMESYNCD)
    assert PACKAGES.undo(site, before).state == "restored"


def test_an_earlier_journal_tells_only_of_what_scripts_had_made_others(site: Site, dpkg: Dpkg) -> None:
    stock = hashlib.md5(b"stock").hexdigest()
    dpkg.conffiles.write_text(f"\n /etc/x {stock}\n")
    site.host.write("/etc/x", FileState(b"stock", 0o644, ""))
    before = installed(site, dpkg)
    site.host.write("/run/conffiles.json", FileState(b"{}\n", 0o600, ""))
    dpkg.apt(TIMESYNCD)
    assert PACKAGES.undo(site, before).state == "restored"
    dpkg.has(NTPSEC)
    site.host.write("/etc/x", FileState(b"mine", 0o644, ""))
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
    assert "would remove ntpviz, installed since; once that is gone type: ntpjoin undo" in undone.text
    assert not any(" purge " in call for call in dpkg.programs.calls("apt-get"))


def test_what_came_along_and_others_need_by_now_stays_alone(site: Site, dpkg: Dpkg) -> None:
    """Seen: ntpsec-ntpdate, installed later, needs python3-ntp."""
    before = installed(site, dpkg)
    dpkg.programs.add(
        "apt-get",
        f"""case "$*" in
        *-s*remove*python3-ntp) printf 'Remv ntpsec-ntpdate [1]\nRemv ntpsec [1]\nRemv python3-ntp [1]\n';;
        *-s*) ;;
        *install*) printf 'ii \tsystemd-timesyncd\t{TIMESYNCD.version}\nii \tpython3-ntp\t{PYTHON.version}\n' > {dpkg.list};;
        esac""",
    )
    undone = PACKAGES.undo(site, before)
    assert (undone.state, undone.text) == (
        "restored",
        "removed ntpsec, systemd-timesyncd is back; python3-ntp stays, others need it by now",
    )
    assert "purge -- ntpsec" in dpkg.did()


class Chain:
    """A package manager that tells only who needs a package itself: site needs b, b needs a."""

    NEED: ClassVar = {"a": "b", "b": "site", "ntp": ""}

    def goes_with(self, _host: Host, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({self.NEED[name] for name in names} - {"", *names}))

    def would_remove(self, _host: Host, _files: tuple[str, ...], *, without: tuple[str, ...]) -> tuple[str, ...]:
        del without
        return ()


def test_what_is_needed_by_what_is_needed_stays_too(site: Site) -> None:
    way = way_back(site, cast("Manager", Chain()), ["a", "b", "ntp"], [], ["ntp"])
    assert (way.goes, way.needed, way.problem) == (("ntp",), ("a", "b"), "")


def test_packages_that_do_not_come_back_are_a_failure(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    dpkg.apt()
    undone = PACKAGES.undo(site, before)
    assert undone.state == "failed"
    assert f"systemd-timesyncd is missing, was {TIMESYNCD.version}" in undone.text


def damaged(dpkg: Dpkg, name: str) -> None:
    """From now on dpkg-deb finds that this file is not whole."""
    dpkg.programs.add("dpkg-deb", f'case "$*" in *{name}) exit 2;; esac')


def test_a_kept_file_that_is_damaged_is_not_relied_on(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    dpkg.apt(TIMESYNCD)
    damaged(dpkg, "run/packages/systemd-timesyncd_252.39-1~deb12u1_amd64.deb")
    undone = PACKAGES.undo(site, before)
    assert undone.state == "failed"
    assert "systemd-timesyncd_252.39-1~deb12u1_amd64.deb is damaged, or gone" in undone.text
    assert not any("purge" in did for did in dpkg.did())


NEWER_TIMESYNCD = Pinned(TIMESYNCD.name, "252.40-1")
LACKS = " systemd-timesyncd : Depends: libsystemd-shared (= 252.39) but 252.40 is to be installed"


def upgraded_beside_it(dpkg: Dpkg, *, there: bool) -> None:
    """From now on what is kept fits no more; the repositories have, or have not, one that does."""
    comes = "Remv ntpsec [1]\nInst systemd-timesyncd (252.40-1 Debian [amd64])\n" if there else ""
    dpkg.programs.add(
        "apt-get",
        f"""case "$*" in
        *-s*timesyncd_252.39*) printf '{LACKS}\nE: Unable to correct problems\n'; exit 100;;
        *-s*"-- systemd-timesyncd ntpsec- python3-ntp-") printf '{comes}'; [ -n '{comes}' ];;
        *download*) echo deb > systemd-timesyncd_252.40-1_amd64.deb;;
        *-s*|*update*) ;;
        *) printf 'ii \tsystemd-timesyncd\t252.40-1\n' > {dpkg.list};;
        esac""",
    )


def test_where_the_kept_file_fits_no_more_the_one_that_does_comes_from_the_repositories(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    upgraded_beside_it(dpkg, there=True)
    undone = PACKAGES.undo(site, before)
    assert (undone.state, undone.text) == (
        "restored",
        "removed ntpsec, systemd-timesyncd (now 252.40-1) is back",
    )
    assert [did.split("/")[-1] for did in dpkg.did()[-2:]] == [
        "purge -- ntpsec python3-ntp",
        "systemd-timesyncd_252.40-1_amd64.deb",
    ]


def test_nothing_is_removed_where_what_went_cannot_come_back(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    upgraded_beside_it(dpkg, there=False)
    undone = PACKAGES.undo(site, before)
    assert undone.state == "failed"
    assert undone.text.startswith(f"ntpsec stays: systemd-timesyncd cannot come back:{LACKS}; type: apt-get update; ")
    assert not any("purge" in did for did in dpkg.did())
    dpkg.has(TIMESYNCD)  # the operator has typed it
    assert PACKAGES.undo(site, before).state == "restored"


def test_the_repositories_are_not_asked_where_the_kept_file_fits(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    dpkg.apt(TIMESYNCD)
    called = len(dpkg.programs.calls("apt-get"))
    assert PACKAGES.undo(site, before).state == "restored"
    assert not [call for call in dpkg.programs.calls("apt-get")[called:] if "download" in call or "update" in call]


def test_a_version_that_would_change_other_packages_does_not_come(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    upgraded_beside_it(dpkg, there=True)
    script = (dpkg.programs.folder / "apt-get").read_text()
    newer = "Inst libsystemd-shared [252.40-1] (252.41-1 Debian [amd64])\\nInst systemd-timesyncd"
    (dpkg.programs.folder / "apt-get").write_text(script.replace("Inst systemd-timesyncd", newer))
    assert PACKAGES.undo(site, before).state == "failed"
    assert not any("purge" in did for did in dpkg.did())


def test_what_went_is_back_although_it_is_newer(site: Site, dpkg: Dpkg) -> None:
    before = installed(site, dpkg)
    dpkg.has(NEWER_TIMESYNCD)
    undone = PACKAGES.undo(site, before)
    assert (undone.state, undone.text) == ("restored", "removed ntpsec, systemd-timesyncd (now 252.40-1) is back")


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
