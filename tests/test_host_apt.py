"""apt and dpkg: their words as they really say them, and what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Pinned
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.packages import apt
from ntpjoin.host.packages.manager import Simulated
from tests.conftest import Programs, put

#: apt 2.6.1 on Debian 12.
SIMULATED = """\
NOTE: This is only a simulation!
      apt-get needs root privileges for real execution.
Reading package lists...
Building dependency tree...
The following additional packages will be installed:
  python3-ntp
The following packages will be REMOVED:
  systemd-timesyncd
The following NEW packages will be installed:
  ntpsec python3-ntp
0 upgraded, 2 newly installed, 1 to remove and 0 not upgraded.
Remv systemd-timesyncd [252.39-1~deb12u1]
Inst python3-ntp (1.2.2+dfsg1-1+deb12u1 Debian:12.12/oldstable [amd64])
Inst libc6 [2.36-9+deb12u9] (2.36-9+deb12u10 Debian:12.12/oldstable [amd64]) []
Inst ntpsec (1.2.2+dfsg1-1+deb12u1 Debian:12.12/oldstable [amd64])
Conf python3-ntp (1.2.2+dfsg1-1+deb12u1 Debian:12.12/oldstable [amd64])
Conf ntpsec (1.2.2+dfsg1-1+deb12u1 Debian:12.12/oldstable [amd64])
"""

NTPSEC = Pinned("ntpsec", "1.2.2+dfsg1-1+deb12u1")
TIMESYNCD = Pinned("systemd-timesyncd", "252.39-1~deb12u1")
CHRONY = Pinned("chrony", "1:4.3-2")


#: Whatever apt.conf says.
PLAIN = "-o APT::Get::Purge=false -o APT::Get::AutomaticRemove=false"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "root").mkdir()
    return Host(root=tmp_path / "root")


def test_a_simulation_tells_what_comes_and_what_goes(host: Host, programs: Programs) -> None:
    programs.says("apt-get", SIMULATED)
    found = apt.simulate(host, ["ntpsec"])
    assert found.problem == ""
    assert found.install == (
        Pinned("libc6", "2.36-9+deb12u10"),
        NTPSEC,
        Pinned("python3-ntp", "1.2.2+dfsg1-1+deb12u1"),
    )
    assert found.remove == (TIMESYNCD,)
    assert found.upgrade == (Pinned("libc6", "2.36-9+deb12u9"),)
    assert programs.calls() == [f"apt-get -s -q {PLAIN} install --no-install-recommends -- ntpsec"]


def test_a_simulation_that_fails_tells_why(host: Host, programs: Programs) -> None:
    programs.says("apt-get", "Reading package lists...\n", err="E: Unable to locate package ntpsec\n", code=100)
    assert apt.simulate(host, ["ntpsec"]) == Simulated(problem="E: Unable to locate package ntpsec", missing=True)


def test_a_purge_in_a_simulation_goes_too(host: Host, programs: Programs) -> None:
    programs.says("apt-get", "Purg chrony [1:4.3-2]\nRemv ntpdate [1:4.2.8p15]\n")
    assert apt.simulate(host, ["ntpsec"]).remove == (CHRONY, Pinned("ntpdate", "1:4.2.8p15"))


def test_what_is_installed_and_what_is_unfinished(host: Host, programs: Programs) -> None:
    lines = [
        "ii \tlibc6:amd64\t2.36-9",
        "ii \tntpsec\t1.2.2",
        "hi \tchrony\t1:4.3-2",
        "rc \topenntpd\t6.2",
        "un \tntp\t",
        "iF \thalf-configured\t1",
        "iU \tunpacked\t2",
        "iH \thalf-installed\t3",
        "iW \ttriggers-awaited\t4",
        "it \ttriggers-pending\t5",
        "iHR\treinst-required\t6",
    ]
    programs.says("dpkg-query", "\n".join(lines) + "\n")
    versions, unfinished = apt.installed(host)
    assert versions == {
        "libc6": "2.36-9",
        "ntpsec": "1.2.2",
        "chrony": "1:4.3-2",
        "triggers-awaited": "4",
        "triggers-pending": "5",
    }
    assert unfinished == ("half-configured", "half-installed", "reinst-required", "unpacked")


#: As dpkg 1.21.22 writes its own file.
STATUS = """\
Package: libc6
Status: install ok installed
Priority: optional
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9
Description: GNU C Library
 Version: 9
 .
 Status: install ok unpacked

Package: openntpd
Status: deinstall ok config-files
Version: 6.2
Config-Version: 6.2

Package: chrony
Status: hold ok installed
Version: 1:4.3-2

Package: half-configured
Status: install ok half-configured
Version: 1

Package: reinst-required
Status: install reinstreq half-installed
Version: 6

Package: unpacked
Status: install ok unpacked
Version: 2

Package: ntp
Status: install ok not-installed

Package: triggers-awaited
Status: install ok triggers-awaited
Version: 4

Package: triggers-pending
Status: install ok triggers-pending
Version: 5
"""


def test_what_dpkg_has_written_down_is_not_asked_for(host: Host, programs: Programs) -> None:
    put(host, "/var/lib/dpkg/status", STATUS)
    versions, unfinished = apt.installed(host)
    assert versions == {"libc6": "2.36-9", "chrony": "1:4.3-2", "triggers-awaited": "4", "triggers-pending": "5"}
    assert unfinished == ("half-configured", "reinst-required", "unpacked")
    assert programs.calls() == []


def test_what_dpkg_has_not_yet_written_there_is_asked_for(host: Host, programs: Programs) -> None:
    put(host, "/var/lib/dpkg/status", STATUS)
    put(host, "/var/lib/dpkg/updates/0000", "Package: ntpsec\nStatus: install ok unpacked\nVersion: 1\n")
    programs.says("dpkg-query", HALF)
    assert apt.installed(host) == ({}, ("ntpsec", "somebody-elses"))


def test_configuration_files_with_their_sums(host: Host, programs: Programs) -> None:
    said = """\

 /etc/ntpsec/ntp.conf 8e1b9e1a1f0b6d7f8f3f6a9a8b9e7c55
 /etc/default/ntpsec 0123456789abcdef0123456789abcdef
 /etc/old.conf 00000000000000000000000000000000 obsolete
 /etc/new.conf newconffile
"""
    programs.says("dpkg-query", said)
    found = apt.conffiles(host, ["ntpsec", "python3-ntp"])
    assert found["/etc/ntpsec/ntp.conf"] == "md5:8e1b9e1a1f0b6d7f8f3f6a9a8b9e7c55"
    assert found["/etc/old.conf"] == "md5:00000000000000000000000000000000"
    assert set(found) == {"/etc/ntpsec/ntp.conf", "/etc/default/ntpsec", "/etc/old.conf", "/etc/new.conf"}
    assert apt.conffiles(host, []) == {}


def test_configuration_files_are_told_although_one_package_is_not_there(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query", "\n /etc/x 0123\n", err="dpkg-query: no packages found matching y\n", code=1)
    assert apt.conffiles(host, ["x", "y"]) == {"/etc/x": "md5:0123"}


@pytest.mark.parametrize(
    ("behind_s", "future"),
    [
        (7203.4, "-o Acquire::Max-FutureTime=7263 "),
        (0.4, ""),
        (-7200.5, f"-o Acquire::Min-ValidTime={7 * 86400 + 7200} "),
        (0.0, ""),
    ],
)
def test_a_clock_that_is_off_does_not_refuse_the_indexes(
    host: Host, programs: Programs, behind_s: float, future: str
) -> None:
    programs.says("apt-get")
    assert apt.refresh(host, clock_behind_s=behind_s) == ""
    [call] = programs.calls()
    assert call.endswith(f"-o Acquire::http::Timeout=20 -o Acquire::Retries=1 {future}update")
    assert "APT::Update::Error-Mode=any" in call
    assert "DPkg::Lock::Timeout=120" in call


def test_indexes_that_cannot_be_had_are_told(host: Host, programs: Programs) -> None:
    programs.says("apt-get", "Ign:1\n", err="E: Failed to fetch http://x/\n", code=100)
    assert apt.refresh(host, clock_behind_s=0) == "E: Failed to fetch http://x/"


def test_a_file_is_fetched_once_and_found_by_its_version(host: Host, programs: Programs) -> None:
    programs.add("apt-get", ': > "chrony_1%3a4.3-2_amd64.deb"')
    programs.says("dpkg-deb")
    found = apt.fetch(host, [CHRONY], "/cache")
    assert found == {"chrony": "/cache/chrony_1%3a4.3-2_amd64.deb"}
    assert apt.fetch(host, [CHRONY], "/cache") == found
    [call] = programs.calls("apt-get")
    assert call.endswith("download chrony=1:4.3-2")
    assert host.names("/cache") == ("chrony_1%3a4.3-2_amd64.deb",)


#: dpkg-deb as it would find a file of which a part is missing.
WHOLE = '[ "$(/bin/cat "$2")" = whole ]'


def test_half_a_file_is_none(host: Host, programs: Programs) -> None:
    programs.add("dpkg-deb", WHOLE)
    programs.says("apt-get", code=100)
    for place in ("/cache", "/var/cache/apt/archives"):
        put(host, f"{place}/chrony_1%3a4.3-2_amd64.deb", "hal")
    assert apt.fetch(host, [CHRONY], "/cache") == {}
    programs.add("apt-get", 'printf whole > "chrony_1%3a4.3-2_amd64.deb"')
    assert apt.fetch(host, [CHRONY], "/cache") == {"chrony": "/cache/chrony_1%3a4.3-2_amd64.deb"}
    assert host.text("/cache/chrony_1%3a4.3-2_amd64.deb") == "whole"


@pytest.mark.parametrize("script", ["printf hal > $file", "printf whole > $file; exit 100"])
def test_what_a_fetch_that_failed_left_is_cleared_away(host: Host, programs: Programs, script: str) -> None:
    programs.add("dpkg-deb", WHOLE)
    programs.add("apt-get", f"file=chrony_1%3a4.3-2_amd64.deb; {script}")
    put(host, "/cache/fetching/base/of-one-that-was-killed.deb", "hal")
    assert apt.fetch(host, [CHRONY], "/cache") == {}
    assert host.names("/cache") == ()


def test_a_file_that_cannot_be_had_is_left_out(host: Host, programs: Programs) -> None:
    programs.says("apt-get", code=100)
    host.make_folder("/cache")
    for name in ("chrony_1%3a4.4-1_amd64.deb", "chrony-tools_1%3a4.3-2_amd64.deb", "chrony_1%3a4.3-2_amd64.deb.part"):
        host.write(f"/cache/{name}", FileState(b"", 0o644, ""))
    assert apt.fetch(host, [CHRONY], "/cache") == {}


HALF = "iF \tntpsec\t1\niU \tsomebody-elses\t1\n"


def test_an_installation_finishes_what_was_interrupted_and_pins_the_versions(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query", HALF)
    programs.says("dpkg", "Setting up ntpsec\n")
    programs.says("apt-get", "done\n")
    apt.install(host, [NTPSEC, TIMESYNCD], "/log")
    [first] = programs.calls("dpkg")
    [second] = programs.calls("apt-get")
    assert first == "dpkg --force-confdef --force-confold --configure ntpsec"
    assert second.endswith(
        "install --no-install-recommends -- ntpsec=1.2.2+dfsg1-1+deb12u1 systemd-timesyncd=252.39-1~deb12u1"
    )
    assert "--force-confold" in second
    assert "Setting up ntpsec" in host.text("/log")
    assert "done" in host.text("/log")


def test_what_others_left_unfinished_is_left_alone(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query", HALF)
    programs.says("dpkg", code=1)
    apt.finish(host, {"chrony"}, "/log")
    assert programs.calls("dpkg") == []


def test_a_failed_installation_tells_where_all_of_it_stands(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query")
    programs.says("apt-get", err="E: broken\n", code=100)
    with pytest.raises(CommandFailed, match="E: broken") as caught:
        apt.install(host, [NTPSEC], "/log")
    assert caught.value.remedy == "everything it said is in /log"


def test_a_failed_installation_tells_what_dpkg_failed_in(host: Host, programs: Programs) -> None:
    programs.says("dpkg-query", "")
    lines = (
        "Unpacking ntpsec (1.2.2) ...",
        "dpkg: error processing archive /var/cache/apt/archives/ntpsec_1.2.2.deb (--unpack):",
        " cannot copy extracted data for './usr/a' to '/usr/a.dpkg-new': failed to write (No space left on device)",
        "Errors were encountered while processing:",
        " /var/cache/apt/archives/ntpsec_1.2.2.deb",
        "E: Sub-process /usr/bin/dpkg returned an error code (1)",
    )
    programs.says("apt-get", "\n".join(lines) + "\n", code=100)
    with pytest.raises(CommandFailed) as caught:
        apt.install(host, [NTPSEC], "/log")
    assert caught.value.message.endswith("\n".join(["ended with exit code 100:", *lines[1:3]]))


def test_dpkg_waits_for_another_one_and_gives_up_on_anything_else(
    host: Host, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "sleep", lambda _: None)
    programs.says("dpkg-query", HALF)
    held = tmp_path / "held"
    held.touch()
    lock = "dpkg: error: dpkg frontend lock was locked by another process with pid 7"
    programs.add("dpkg", f'[ -e {held} ] || exit 0; /bin/rm {held}; echo "{lock}" >&2; exit 2')
    apt.finish(host, {"ntpsec"}, "/log")
    assert len(programs.calls("dpkg")) == 2
    programs.says("dpkg", err="dpkg: error processing package x\n", code=1)
    with pytest.raises(CommandFailed, match="could not finish what it was interrupted in"):
        apt.finish(host, {"ntpsec"}, "/log")


def test_a_lock_that_is_never_given_up_ends_the_wait(
    host: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "LOCK_S", -1)
    programs.says("dpkg-query", HALF)
    programs.says("dpkg", err="dpkg: error: dpkg frontend lock was locked by another process\n", code=2)
    with pytest.raises(CommandFailed, match="frontend lock"):
        apt.finish(host, {"ntpsec"}, "/log")


def test_what_a_removal_takes_with_it(host: Host, programs: Programs) -> None:
    programs.says("apt-get", "Remv ntpviz [1]\nRemv ntpsec [2]\nPurg other [3]\n")
    assert apt.goes_with(host, ["ntpsec"]) == ("ntpviz", "other")
    assert apt.goes_with(host, []) == ()


#: apt 2.6.1 of a kept file of before an upgrade.
UNMET = """\
Reading package lists...
The following information may help to resolve the situation:

The following packages have unmet dependencies:
 systemd-timesyncd : Depends: libsystemd-shared (= 252.38) but 252.39 is to be installed
"""


def test_files_that_cannot_be_installed_are_no_files_that_remove_nothing(host: Host, programs: Programs) -> None:
    programs.says("apt-get", UNMET, err="E: Unable to correct problems, you have held broken packages.\n", code=100)
    with pytest.raises(CommandFailed) as caught:
        apt.would_remove(host, ["/folder/x.deb"])
    lacks = "systemd-timesyncd : Depends: libsystemd-shared (= 252.38) but 252.39 is to be installed"
    assert caught.value.message == lacks
    programs.says("apt-get", "Remv ntpsec [1.2.2]\n")
    assert apt.would_remove(host, ["/folder/x.deb"]) == ("ntpsec",)


def test_a_hold_on_what_came_does_not_count_when_it_is_taken_back(host: Host, programs: Programs) -> None:
    """Seen: apt resolves no conflict of a file with a held package, unless that is named to go in the same step."""
    programs.says("apt-get")
    apt.goes_with(host, ["ntpsec"])
    apt.would_remove(host, ["/x.deb"], without=["ntpsec"])
    apt.simulate(host, ["x"], without=["ntpsec"])
    apt.uninstall(host, ["ntpsec"], purge=True, log="/log")
    apt.reinstall(host, ["/x.deb"], "/log")
    calls = programs.calls("apt-get")
    assert all("--allow-change-held-packages" in call for call in calls)
    assert "-o APT::Ignore-Hold=true remove -- ntpsec" in calls[0]
    assert [call.partition(" -- ")[2] for call in calls[1:3]] == ["/x.deb ntpsec-", "x ntpsec-"]


def test_of_no_packages_none_has_left_its_configuration(host: Host, programs: Programs) -> None:
    """dpkg-query without a name tells of all."""
    programs.says("dpkg-query", "rc \told\nii \tthere\n")
    assert apt.residual(host, []) == ()
    assert apt.residual(host, ["old", "there"]) == ("old",)


def test_a_hold_counts_when_it_is_installed(host: Host, programs: Programs) -> None:
    programs.says("apt-get")
    programs.says("dpkg-query")
    apt.simulate(host, ["ntpsec"])
    apt.install(host, [NTPSEC], "/log")
    assert not any("held" in call for call in programs.calls("apt-get"))


def test_what_is_on_hold_is_named_where_that_may_be_the_reason(host: Host, programs: Programs) -> None:
    """apt 2.6.1, of a time daemon on hold that would have to go."""
    out = "The following packages have unmet dependencies:\n chrony : Conflicts: time-daemon\n ntpsec : Conflicts: time-daemon\n"
    err = "E: Error, pkgProblemResolver::Resolve generated breaks, this may be caused by held packages.\n"
    programs.says("apt-get", out, err=err, code=100)
    programs.says("apt-mark", "chrony\n")
    lacks = f"{err} chrony : Conflicts: time-daemon\n ntpsec : Conflicts: time-daemon"
    assert apt.simulate(host, ["ntpsec"]).problem == f"{lacks}\non hold: chrony; what ends that: apt-mark unhold"
    programs.says("apt-mark")
    assert apt.simulate(host, ["ntpsec"]).problem == lacks


def test_a_removal_that_cannot_be_tried_is_none_that_takes_nothing_with_it(host: Host, programs: Programs) -> None:
    programs.says("apt-get", err="E: Unmet dependencies\n", code=100)
    with pytest.raises(CommandFailed, match=r"^E: Unmet dependencies$"):
        apt.goes_with(host, ["ntpsec"])


def test_nothing_is_run_for_nothing(host: Host, programs: Programs) -> None:
    apt.uninstall(host, [], purge=True, log="/log")
    apt.reinstall(host, [], "/log")
    apt.mark_automatic(host, [], automatic=True)
    assert apt.automatic(host, []) == ()
    assert programs.calls() == []


def test_removing_and_bringing_back(host: Host, programs: Programs) -> None:
    programs.says("apt-get")
    programs.says("apt-mark", "b\na\n")
    apt.uninstall(host, ["x"], purge=True, log="/log")
    apt.uninstall(host, ["x"], purge=False, log="/log")
    apt.reinstall(host, ["/folder/x.deb"], "/log")
    assert apt.automatic(host, ["a", "b", "c"]) == ("a", "b")
    apt.mark_automatic(host, ["a"], automatic=True)
    apt.mark_automatic(host, ["b"], automatic=False)
    back = "--allow-change-held-packages --allow-downgrades --no-install-recommends install -- /folder/x.deb"
    ends = ("purge -- x", "remove -- x", back)
    assert all(call.endswith(end) for call, end in zip(programs.calls("apt-get"), ends))
    assert programs.calls("apt-mark")[1:] == ["apt-mark auto -- a", "apt-mark manual -- b"]


def test_settings_of_the_host_neither_purge_nor_remove_more_nor_bring_more(host: Host, programs: Programs) -> None:
    programs.says("apt-get")
    programs.says("dpkg-query")
    apt.simulate(host, ["x"])
    apt.install(host, [NTPSEC], "/log")
    apt.goes_with(host, ["x"])
    apt.would_remove(host, ["/x.deb"])
    apt.uninstall(host, ["x"], purge=True, log="/log")
    apt.reinstall(host, ["/x.deb"], "/log")
    assert all(PLAIN in call for call in programs.calls("apt-get"))
    assert all("--no-install-recommends" in call for call in programs.calls("apt-get") if " install " in call)


def test_files_are_brought_back_by_their_place_on_this_machine(programs: Programs) -> None:
    programs.says("apt-get")
    apt.reinstall(Host(), ["/var/lib/ntpjoin/runs/0001/packages/chrony_1%3a4.3-2_amd64.deb"], "/dev/null")
    [call] = programs.calls()
    assert call.split()[-1].startswith("/")
