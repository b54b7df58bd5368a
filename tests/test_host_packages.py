"""dnf, zypper and pacman: their words as they really say them, and what they are told. apt has a page of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Pinned
from ntpjoin.host.distros import ROWS
from ntpjoin.host.machine import Host
from ntpjoin.host.packages import apt, dnf, pacman, rpm, zypper
from ntpjoin.host.packages.manager import Manager, Simulated, digest, manager
from tests.conftest import Programs, put

#: The type checker holds each to what a package manager must be able to do.
MANAGERS: Mapping[str, Manager] = {"apt": apt, "dnf": dnf, "zypper": zypper, "pacman": pacman}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "root").mkdir()
    return Host(root=tmp_path / "root")


@pytest.mark.parametrize("name", MANAGERS)
def test_each_is_found_by_its_name_and_used_by_a_row(name: str) -> None:
    assert manager(name) is MANAGERS[name]
    assert name in {row.manager for row in ROWS}


@pytest.mark.parametrize("name", MANAGERS)
def test_nothing_is_run_for_nothing(host: Host, programs: Programs, name: str) -> None:
    one = MANAGERS[name]
    one.uninstall(host, [], purge=True, log="/log")
    one.reinstall(host, [], "/log")
    one.mark_automatic(host, [], automatic=True)
    nothing = (one.automatic(host, []), one.goes_with(host, []), one.would_remove(host, []), one.conffiles(host, []))
    assert nothing == ((), (), (), {})
    assert programs.calls() == []


@pytest.mark.parametrize(
    ("name", "file", "package"),
    [
        ("apt", "/a/python3-ntp_1%3a1.2.2-1_amd64.deb", "python3-ntp"),
        ("dnf", "/a/epel-release-9-8.el9.noarch.rpm", "epel-release"),
        ("zypper", "/a/base/ntp-4.2.8p15-1.x86_64.rpm", "ntp"),
        ("pacman", "/a/ntp-4.2.8.p15-1-x86_64.pkg.tar.zst", "ntp"),
    ],
)
def test_a_file_tells_its_package(name: str, file: str, package: str) -> None:
    assert MANAGERS[name].name_of(file) == package


def test_digests_are_of_the_kind_of_the_other() -> None:
    assert digest(b"x", "md5:?") == "md5:9dd4e461268c8034f5c8564e155c67a6"
    assert digest(b"", "sha256:?") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# --- rpm 4.18

RPM_QA = "epel-release\t9-8.el9\nchrony\t4.3-1\nbash\t0:5.1-1\n"
RPM_FILES = """\
8\t\tb9d4632b52575ac00c15a0e72b3cb9ba118bbd92771a0ecf6192d69c10ec9196\t/etc/ld.so.conf.d/ntp.conf
8\tcn\taace4312806af0588217707b90b7b3ad248030d1e38fef287c5667f059825a1e\t/etc/ntp.conf
(none)\tc\t58e9dbac4da317ff7be8b726508451ef\t/etc/old.conf
8\t\t\t/var/lib/ntp
package none is not installed
"""


def test_what_rpm_has_installed(host: Host, programs: Programs) -> None:
    programs.says("rpm", RPM_QA)
    assert rpm.installed(host) == ({"epel-release": "9-8.el9", "chrony": "4.3-1", "bash": "5.1-1"}, ())


def test_configuration_files_of_rpms(host: Host, programs: Programs) -> None:
    programs.says("rpm", RPM_FILES, code=1)
    assert rpm.conffiles(host, ["ntp", "none"]) == {
        "/etc/ntp.conf": "sha256:aace4312806af0588217707b90b7b3ad248030d1e38fef287c5667f059825a1e",
        "/etc/old.conf": "md5:58e9dbac4da317ff7be8b726508451ef",
    }


@pytest.mark.parametrize(
    ("name", "path"), [*(("dnf", path) for path in dnf._PID_FILES), *(("zypper", path) for path in zypper._PID_FILES)]
)
def test_a_pid_file_counts_while_its_process_lives(tree: Host, name: str, path: str) -> None:
    """dnf 4 writes the bare number, libzypp a line, which it empties at its end."""
    one = MANAGERS[name]
    put(tree, path, "")
    assert one.busy(tree) == ""
    put(tree, path, "77" if name == "dnf" else "77\n")
    assert one.busy(tree) == ""
    put(tree, "/proc/77/comm", f"{name}\n")
    assert one.busy(tree) == f"{name} (process 77), which stands in {path}"


# --- dnf 4.14

COMES = """\
Last metadata expiration check: 0:00:04 ago on Sat Nov 21 16:37:24 2026.
Dependencies resolved.
================================================================================
 Package                Architecture     Version           Repository      Size
================================================================================
Installing:
 ntpsec                 x86_64           1.2.3-9.el9       epel           6.1 k
Upgrading:
 openssl-libs           x86_64           1:3.2.2-6.el9     baseos         2.4 M
Installing dependencies:
 a-package-with-a-name-too-long-for-its-column
                        noarch           0:2-1.el9         epel            10 k
     replacing  ntp.x86_64 4.2.6p5-29.el7

Transaction Summary
================================================================================
Install  2 Packages

Total download size: 6.1 k
"""
#: As the sources of dnf 5.4 print it.
COMES_5 = """\
Package      Arch   Version            Repository      Size
Installing:
 ntpsec      x86_64 0:1.2.4-9.fc43     fedora       2.2 MiB
Upgrading:
 tzdata      noarch 0:2026a-1.fc43     updates      1.6 MiB
   replacing tzdata noarch 0:2025b-1.fc43 fedora    1.6 MiB

Transaction Summary:
 Installing:         1 package
 Upgrading:          1 package
"""
GOES = """\
Dependencies resolved.
================================================================================
 Package           Architecture      Version           Repository          Size
================================================================================
Removing:
 ntpsec            x86_64            1.2.3-9.el9       @epel               406 k
Removing dependent packages:
 ntpsec-extras     x86_64            1-1               @System              10 k

Transaction Summary
"""


def test_dnfs_table_tells_what_comes_and_what_goes(tree: Host, programs: Programs) -> None:
    programs.says("dnf", COMES, err="Operation aborted.\n", code=1)
    programs.says("rpm", "openssl-libs\t1:3.0.7-1.el9\nntp\t4.2.6p5-29.el7\n")
    assert dnf.simulate(tree, ["ntpsec"]) == Simulated(
        install=(
            Pinned("a-package-with-a-name-too-long-for-its-column", "2-1.el9"),
            Pinned("ntpsec", "1.2.3-9.el9"),
            Pinned("openssl-libs", "1:3.2.2-6.el9"),
        ),
        remove=(Pinned("ntp", "4.2.6p5-29.el7"),),
        upgrade=(Pinned("openssl-libs", "1:3.0.7-1.el9"),),
    )
    [call] = programs.calls("dnf")
    assert call == "dnf --assumeno --cacheonly --setopt=install_weak_deps=False install -- ntpsec"


def test_the_table_of_dnf_5(tree: Host, programs: Programs) -> None:
    programs.says("dnf", COMES_5, err="Operation aborted by the user.\n", code=1)
    programs.says("rpm", "tzdata\t2025b-1.fc43\n")
    found = dnf.simulate(tree, ["ntpsec"])
    assert found.install == (Pinned("ntpsec", "1.2.4-9.fc43"), Pinned("tzdata", "2026a-1.fc43"))
    assert (found.remove, found.upgrade) == ((), (Pinned("tzdata", "2025b-1.fc43"),))


def test_a_package_that_no_repository_has(tree: Host, programs: Programs) -> None:
    programs.says("dnf", "No match for argument: ntpsec\n", err="Error: Unable to find a match: ntpsec\n", code=1)
    assert dnf.simulate(tree, ["ntpsec"]) == Simulated(problem="Error: Unable to find a match: ntpsec", missing=True)
    said = "<stream><message type=\"error\">No provider of 'ntp' found.</message></stream>"
    programs.says("zypper", said, code=104)
    assert zypper.simulate(tree, ["ntp"]) == Simulated(problem="No provider of 'ntp' found.", missing=True)
    programs.says("pacman", err="error: target not found: ntp\n", code=1)
    assert pacman.simulate(tree, ["ntp"]) == Simulated(problem="error: target not found: ntp", missing=True)


def test_yum_does_where_there_is_no_dnf(tree: Host, programs: Programs) -> None:
    programs.says("yum", GOES, err="Operation aborted.\n", code=1)
    assert dnf.goes_with(tree, ["ntpsec"]) == ("ntpsec-extras",)
    assert programs.calls("yum")
    programs.says("dnf", GOES, code=1)
    assert dnf.would_remove(tree, ["/f/x.rpm"]) == ("ntpsec", "ntpsec-extras")


def test_dnf_is_told_versions_and_no_network(tree: Host, programs: Programs) -> None:
    programs.says("dnf", "chrony unknown\n\nntpsec dependency\nx weak-dependency\n")
    dnf.install(tree, [Pinned("ntpsec", "1.2.3-9.el9"), Pinned("openssl-libs", "1:3.2.2-6.el9")], "/log")
    dnf.uninstall(tree, ["ntpsec"], purge=True, log="/log")
    dnf.mark_automatic(tree, ["x"], automatic=True)
    install, remove, mark = programs.calls("dnf")
    assert install.endswith("install -- ntpsec-1.2.3-9.el9 openssl-libs-1:3.2.2-6.el9")
    assert (
        remove
        == "dnf -y --disablerepo=* --setopt=keepcache=True --setopt=clean_requirements_on_remove=False remove -- ntpsec"
    )
    assert mark == "dnf -y mark remove -- x"
    assert dnf.automatic(tree, ["chrony", "ntpsec", "x"]) == ("ntpsec", "x")


def test_what_dnf_fails_in_is_told(tree: Host, programs: Programs) -> None:
    programs.says("dnf", "lots of words\nError: Transaction test error:\n  no space\nmore\n", code=1)
    with pytest.raises(CommandFailed, match=r"exit code 1:\nError: Transaction test error:\n  no space$") as caught:
        dnf.install(tree, [Pinned("ntpsec", "1")], "/log")
    assert caught.value.remedy == "everything it said is in /log"


#: As the sources of dnf 5.4 print it (dnf5/context.cpp, libdnf5/base/transaction.cpp).
LOCKED_5 = """\
Transaction failed: Failed to obtain rpm transaction lock. Another transaction is in progress.
Details about the currently running transaction:
Command: dnf -y upgrade
Process ID: 412 (still running)
Started: 2026-11-29 10:20:40
Comment: nightly"""
UNSIGNED_5 = """\
Transaction failed: Signature verification failed.
Public key "file:///etc/pki/rpm-gpg/RPM-GPG-KEY-fedora" is already present, not importing.
OpenPGP check for package "ntpsec-1.2.4-1.fc43.x86_64" (/x.rpm) from repo "fedora" has failed: Public key is not installed."""


@pytest.mark.parametrize("said", [LOCKED_5, UNSIGNED_5])
def test_what_dnf_5_fails_in_is_told_from_its_beginning(tree: Host, programs: Programs, said: str) -> None:
    programs.says("dnf", "lots of words\n", err=f"{said}\n", code=1)
    with pytest.raises(CommandFailed) as caught:
        dnf.install(tree, [Pinned("ntpsec", "1")], "/log")
    assert caught.value.message.endswith(f"ended with exit code 1:\n{said}")


def test_the_file_of_an_installed_rpm_is_fetched_once(tree: Host, programs: Programs) -> None:
    chrony = Pinned("chrony", "1:4.3-1.el9")
    programs.add("dnf", f": > {tree.path('/cache/fetching')}/chrony-4.3-1.el9.x86_64.rpm")
    programs.says("rpm")
    found = {"chrony": "/cache/chrony-4.3-1.el9.x86_64.rpm"}
    assert dnf.fetch(tree, [chrony], "/cache") == found
    assert dnf.fetch(tree, [chrony, Pinned("lost", "1")], "/cache") == found
    assert [call.split()[-1] for call in programs.calls("dnf")] == ["chrony-1:4.3-1.el9", "lost-1"]


@pytest.mark.parametrize("one", [dnf, zypper])
def test_half_an_rpm_is_none(tree: Host, programs: Programs, one: Manager) -> None:
    chrony = Pinned("chrony", "4.3-1.el9")
    programs.add("rpm", '[ "$(/bin/cat "$3")" = whole ]')
    put(tree, "/cache/chrony-4.3-1.el9.x86_64.rpm", "hal")
    for program in ("dnf", "zypper"):
        programs.add(program, f"printf hal > {tree.path('/cache/fetching')}/chrony-4.3-1.el9.x86_64.rpm")
    assert one.fetch(tree, [chrony], "/cache") == {}
    for program in ("dnf", "zypper"):
        programs.add(program, f"printf whole > {tree.path('/cache/fetching')}/chrony-4.3-1.el9.x86_64.rpm")
    assert one.fetch(tree, [chrony], "/cache") == {"chrony": "/cache/chrony-4.3-1.el9.x86_64.rpm"}
    assert tree.names("/cache") == ("chrony-4.3-1.el9.x86_64.rpm",)


@pytest.mark.parametrize("one", [dnf, zypper])
def test_a_file_that_the_package_manager_refuses_is_not_kept(tree: Host, programs: Programs, one: Manager) -> None:
    """As one whose signature is bad: by its own digests it is whole."""
    programs.says("rpm")
    path = tree.path("/cache/fetching/chrony-4.3-1.el9.x86_64.rpm")
    for code, found in ((1, {}), (0, {"chrony": "/cache/chrony-4.3-1.el9.x86_64.rpm"})):
        for program in ("dnf", "zypper"):
            programs.add(program, f": > {path}; exit {code}")
        assert one.fetch(tree, [Pinned("chrony", "4.3-1.el9")], "/cache") == found


def test_dnf_fetches_the_file_of_what_is_not_installed_too(tree: Host, programs: Programs) -> None:
    programs.says("dnf")
    programs.says("rpm", "chrony\t4.3-1.el9\n")
    dnf.fetch(tree, [Pinned("chrony", "4.3-1.el9"), Pinned("ntpsec", "1-1")], "/cache")
    assert [call.split()[-3:] for call in programs.calls("dnf")] == [
        ["reinstall", "--", "chrony-4.3-1.el9"],
        ["install", "--", "ntpsec-1-1"],
    ]


# --- zypper 1.14

ZYPPER = """\
<?xml version='1.0'?>
<stream>
<progress id="6" name="Building repository &apos;Base&apos; cache" done="1"/>
<message type="info">Resolving package dependencies...</message>
<install-summary download-size="1992066" space-usage-diff="4491752" packages-to-change="1">
<to-install>
<solvable type="package" name="ntp" edition="4.2.8p15-1" arch="x86_64" summary="Network Time Protocol daemon">
<description>Network Time Protocol daemon.</description></solvable>
<solvable type="pattern" name="base" edition="1" arch="x86_64"/>
</to-install>
<to-upgrade>
<solvable type="package" name="timezone" edition="2026a-1" edition-old="2025b-1" arch="x86_64"/>
</to-upgrade>
<to-remove>
<solvable type="package" name="openntpd" edition="6.2-1" arch="x86_64"/>
</to-remove>
</install-summary>
<prompt id="0">
<text>Continue?</text>
</prompt>
</stream>
"""


def test_zyppers_xml_tells_what_comes_and_what_goes(host: Host, programs: Programs) -> None:
    programs.says("zypper", ZYPPER)
    programs.says("rpm", "timezone\t2025b-1\n")
    assert zypper.simulate(host, ["ntp"]) == Simulated(
        install=(Pinned("ntp", "4.2.8p15-1"), Pinned("timezone", "2026a-1")),
        remove=(Pinned("openntpd", "6.2-1"),),
        upgrade=(Pinned("timezone", "2025b-1"),),
    )
    assert zypper.goes_with(host, ["ntp"]) == ("openntpd",)


def test_zypper_may_have_done_it_with_something_to_know(host: Host, programs: Programs) -> None:
    programs.says("zypper", code=107)
    zypper.install(host, [Pinned("ntp", "4.2.8p15-1")], "/log")
    [call] = programs.calls("zypper")
    assert call.endswith("--no-recommends --auto-agree-with-licenses -- ntp=4.2.8p15-1")
    programs.says("zypper", "System management is locked by the application with pid 7 (zypper).\n", code=7)
    with pytest.raises(CommandFailed, match="locked by the application"):
        zypper.uninstall(host, ["ntp"], purge=False, log="/log")


def test_zypper_tells_files_that_cannot_be_installed(host: Host, programs: Programs) -> None:
    programs.says("zypper", '<stream><message type="error">nothing provides libx = 1</message></stream>', code=4)
    with pytest.raises(CommandFailed, match=r"^nothing provides libx = 1$"):
        zypper.would_remove(host, ["/f/x.rpm"])
    programs.says("zypper", ZYPPER)
    assert zypper.would_remove(host, ["/f/x.rpm"]) == ("openntpd",)


def test_what_zypper_does_not_tell_is_no_word_that_nothing_else_goes(host: Host, programs: Programs) -> None:
    locked = "System management is locked by the application with pid 7 (zypper)."
    programs.says("zypper", f'<stream><message type="error">{locked}</message></stream>', code=7)
    with pytest.raises(CommandFailed, match="locked by the application"):
        zypper.goes_with(host, ["ntp"])
    programs.says("zypper", "<stream><message type=\"error\">No provider of 'ntp' found.</message></stream>", code=104)
    assert zypper.goes_with(host, ["ntp"]) == (), "what is gone takes nobody with it"


def test_what_zypper_marks_as_automatic_stands_in_a_file(tree: Host) -> None:
    zypper.mark_automatic(tree, ["a"], automatic=True)
    assert not tree.exists("/var/lib/zypp/AutoInstalled")
    put(tree, "/var/lib/zypp/AutoInstalled", "# made by zypper\nb\n")
    zypper.mark_automatic(tree, ["a"], automatic=True)
    zypper.mark_automatic(tree, ["b"], automatic=False)
    assert tree.text("/var/lib/zypp/AutoInstalled") == "# made by zypper\na\n"
    assert zypper.automatic(tree, ["a", "b"]) == ("a",)


def test_a_file_that_zypper_fetched_lies_below_its_repository(tree: Host, programs: Programs) -> None:
    below = tree.path("/cache/fetching/base/x86_64")
    programs.add("zypper", f"/bin/mkdir -p {below}; : > {below}/chrony-4.3-1.x86_64.rpm")
    programs.says("rpm")
    found = {"chrony": "/cache/chrony-4.3-1.x86_64.rpm"}
    for _ in range(2):
        assert zypper.fetch(tree, [Pinned("chrony", "4.3-1"), Pinned("ntp", "1-1")], "/cache") == found
    assert [call.split()[-1] for call in programs.calls("zypper")] == ["chrony=4.3-1", "ntp=1-1", "ntp=1-1"]


# --- pacman 6.0

PAGES = """\
Name            : openntpd
Version         : 6.8p1-9
Provides        : ntp-server
Required By     : site-time
Conflicts With  : ntp  chrony<4
Replaces        : None

Name            : bash
Version         : 5.2-1
Required By     : None
Conflicts With  : None

"""


def test_pacman_tells_what_comes_and_its_pages_what_goes(host: Host, programs: Programs) -> None:
    script = (
        f'case "$*" in *--print*) printf "ntp\\t4.2.8.p18-6\\n" ;; -Qi*) cat <<"EOF"\n{PAGES}EOF\n;;\n'
        '-Q) echo "openntpd 6.8p1-9" ;; esac'
    )
    programs.add("pacman", script.replace("cat <<", "/bin/cat <<"))
    assert pacman.simulate(host, ["ntp"]) == Simulated(
        install=(Pinned("ntp", "4.2.8.p18-6"),), remove=(Pinned("openntpd", "6.8p1-9"),)
    )
    assert pacman.would_remove(host, ["/f/ntp-4.2.8.p18-6-x86_64.pkg.tar.zst"]) == ("openntpd",)
    assert pacman.goes_with(host, ["openntpd"]) == ("site-time",)


#: Of a package of another name that provides what one that comes, or comes back, is in conflict with.
PROVIDER = """\
Name            : openntpd-git
Version         : r9-1
Provides        : openntpd=7.9
Required By     : None
Conflicts With  : None

"""

#: As pacman 6.0.2 prints it, to stdout and stderr.
BREAKS = ":: removing openntpd breaks dependency 'openntpd' required by site-time\n"
LACKS = ":: unable to satisfy dependency 'libretls=2-64' required by openntpd\n"
GOES_ANYWAY = ":: installing libx (1-1) breaks dependency 'libx>=2' required by ntp\n"
UNMET = "error: failed to prepare transaction (could not satisfy dependencies)\n"


def pacman_says(programs: Programs, *, out: str = "", code: int = 0, installed: str = PAGES, comes: str = "") -> None:
    """A pacman that would install ntp; of the removal or installation that is tried it says `out`."""
    programs.add(
        "pacman",
        f"""case "$*" in
        "-S "*--print*) printf 'ntp\t4.2.8.p18-6\n';;
        *--print*) printf '%s' "{out}"; [ {code} = 0 ] || printf '{UNMET}' >&2; exit {code};;
        -Qip*|-Si*) printf '%s' "{comes}";;
        -Qi*) printf '%s' "{installed}";;
        -Q) printf 'openntpd 6.8p1-9\nopenntpd-git r9-1\n';;
        esac""",
    )


def test_what_pacman_would_refuse_to_remove_is_told_in_the_plan(host: Host, programs: Programs) -> None:
    """Seen of pacman 6.0.2: it says yes to the conflict, and ends with this."""
    pacman_says(programs, out=BREAKS, code=1)
    problem = f"openntpd would have to go, but {BREAKS[3:].strip()}"
    assert pacman.simulate(host, ["ntp"]) == Simulated(problem=problem)
    assert programs.calls("pacman")[-1] == "pacman -R --print -- openntpd"
    assert [one.name for one in pacman.simulate(host, ["ntp"], without=["site-time"]).remove] == ["openntpd"]


def test_what_comes_may_make_up_for_what_goes(host: Host, programs: Programs) -> None:
    pacman_says(programs, out=BREAKS, code=1, comes=PROVIDER.replace("openntpd-git", "ntp"))
    assert [one.name for one in pacman.simulate(host, ["ntp"]).remove] == ["openntpd"]


def test_a_package_of_another_name_that_provides_what_is_in_conflict_goes_too(host: Host, programs: Programs) -> None:
    comes = PAGES.replace("openntpd", "ntp").replace(": ntp  chrony<4", ": openntpd")
    pacman_says(programs, installed=PROVIDER, comes=comes)
    assert pacman.simulate(host, ["ntp"]).remove == (Pinned("openntpd-git", "r9-1"),)
    pacman_says(programs, installed=PROVIDER, comes=comes)
    assert pacman.would_remove(host, ["/f/ntp-4.2.8.p18-6-x86_64.pkg.tar.zst"]) == ("openntpd-git",)


@pytest.mark.parametrize(
    ("out", "problem"),
    [
        (LACKS, LACKS[3:].strip()),
        (GOES_ANYWAY, ""),
        (GOES_ANYWAY + LACKS, LACKS[3:].strip()),
        ("", UNMET.strip()),
    ],
)
def test_what_pacman_could_not_bring_back_is_told_before_anything_goes(
    host: Host, programs: Programs, out: str, problem: str
) -> None:
    """As after an upgrade that brought a library of another number."""
    pacman_says(programs, out=out, code=1, installed="")
    files = ["/run/packages/openntpd-6.8p1-9-x86_64.pkg.tar.zst"]
    if not problem:
        assert pacman.would_remove(host, files, without=["ntp"]) == ()
        return
    with pytest.raises(CommandFailed) as caught:
        pacman.would_remove(host, files, without=["ntp"])
    assert caught.value.message == problem


def test_pacman_answers_that_what_is_in_conflict_goes(host: Host, programs: Programs) -> None:
    programs.says("pacman")
    pacman.install(host, [Pinned("ntp", "4.2.8.p18-6")], "/log")
    pacman.uninstall(host, ["ntp"], purge=True, log="/log")
    pacman.uninstall(host, ["ntp"], purge=False, log="/log")
    pacman.mark_automatic(host, ["ntp"], automatic=False)
    assert programs.calls() == [
        "pacman -S --needed --noconfirm --ask 4 -- ntp",
        "pacman -R --noconfirm --nosave -- ntp",
        "pacman -R --noconfirm -- ntp",
        "pacman -D --asexplicit -- ntp",
    ]


def test_databases_that_were_never_fetched_are_told_and_a_lock_too(tree: Host) -> None:
    assert pacman.refresh(tree, clock_behind_s=0.0) == "the databases of its repositories were never fetched"
    put(tree, "/var/lib/pacman/sync/extra.db", "")
    assert pacman.refresh(tree, clock_behind_s=0.0) == ""
    assert pacman.busy(tree) == ""
    put(tree, "/var/lib/pacman/db.lck", "")
    assert "/var/lib/pacman/db.lck" in pacman.busy(tree)
    put(tree, "/proc/77/cmdline", "/usr/bin/pacman\0-Syu\0")
    put(tree, "/proc/77/comm", "pacman\n")
    assert pacman.busy(tree) == "pacman (process 77)"


def test_configuration_files_of_pacmans_packages(tree: Host, programs: Programs) -> None:
    programs.says("pacman", "ntp 4.2.8.p15-1\n")
    put(
        tree,
        "/var/lib/pacman/local/ntp-4.2.8.p15-1/files",
        "%FILES%\netc/\netc/ntp.conf\n\n%BACKUP%\netc/ntp.conf\t58e9dbac4da317ff7be8b726508451ef\n\n",
    )
    assert pacman.conffiles(tree, ["ntp", "none"]) == {"/etc/ntp.conf": "md5:58e9dbac4da317ff7be8b726508451ef"}


def test_a_file_that_pacman_kept_is_found_by_its_version(tree: Host) -> None:
    for name in (
        "openntpd-6.8p1-9-x86_64.pkg.tar.zst",
        "openntpd-6.8p1-9-x86_64.pkg.tar.zst.sig",
        "openntpd-7-1-x86_64.pkg.tar.zst",
    ):
        put(tree, f"/var/cache/pacman/pkg/{name}", "")
    assert pacman.fetch(tree, [Pinned("openntpd", "6.8p1-9"), Pinned("lost", "1-1")], "/cache") == {
        "openntpd": "/var/cache/pacman/pkg/openntpd-6.8p1-9-x86_64.pkg.tar.zst"
    }
