"""Who else sets the clock is found; who does not is left in peace."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.reading import unit_of
from ntpjoin.look.setters import harmless, look_setters
from tests.conftest import Programs

HOSTS = Path(__file__).parent / "hosts"
NAMES = (
    "ntpdate",
    "ntpdate-debian",
    "rdate",
    "sntp",
    "ntpdig",
    "ntpd",
    "chronyd",
    "hwclock",
    "date",
    "timedatectl",
    "htpdate",
)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Programs) -> Host:
    monkeypatch.setattr(Host, "which", lambda _, name: f"/bin/{name}" if name in NAMES else None)
    programs.says("vmware-toolbox-cmd", "Enabled\n")
    shutil.copytree(HOSTS / "debian-12", tmp_path / "root", symlinks=True)
    return Host(root=tmp_path / "root")


def put(host: Host, path: str, text: str) -> None:
    host.make_folder(path.rpartition("/")[0])
    host.write(path, FileState(text.encode(), 0o755, ""))


def test_nothing_is_found_where_nothing_is(host: Host) -> None:
    assert look_setters(host, ()) == ()


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("*/5 * * * * root /usr/sbin/ntpdate -s 192.0.2.1", "ntpdate"),
        ("0 4 * * * root test -x /usr/sbin/ntpdate && ntpdate -u x >/dev/null 2>&1", "ntpdate"),
        ("@reboot root rdate -s 192.0.2.1; /sbin/hwclock -w", "rdate"),
        ("0 * * * * root sntp -Ss x", "sntp"),
        ("0 * * * * root ntpdig -S x", "ntpdig"),
        ("0 * * * * root /usr/sbin/ntpd -gq", "ntpd"),
        ("0 * * * * root chronyd -q 'server x iburst'", "chronyd"),
        ("0 * * * * root hwclock --hctosys", "hwclock"),
        ("0 * * * * root nice -n 10 hwclock -s", "hwclock"),
        ('0 * * * * root date -s "$(curl -sI x | grep Date)"', "date"),
        ("0 * * * * root date --set=@1", "date"),
        ("0 * * * * root timedatectl set-time '2026-01-01'", "timedatectl"),
        ("flock -n /run/lock/ntpsec-ntpdate /usr/sbin/ntpdate-debian -s -b", "ntpdate-debian"),
        ("NTPDATE=/usr/sbin/ntpdate", "ntpdate"),
        ("now=`ntpdate x`", "ntpdate"),
    ],
)
def test_a_job_that_sets_the_clock(host: Host, line: str, program: str) -> None:
    put(host, "/etc/cron.d/time", f"# set the time: ntpdate\nSHELL=/bin/sh\n{line}\n{line}\n")
    [found] = look_setters(host, ())
    assert (found.what, found.where) == (program, "/etc/cron.d/time:3")


@pytest.mark.parametrize(
    "line",
    [
        "0 * * * * root ntpdate -q x",
        "0 * * * * root ntpdate -dv x",
        "0 * * * * root sntp x",
        "0 * * * * root rdate -p x",
        "0 * * * * root ntpd -g",
        "0 * * * * root chronyd -Q 'server x'",
        "0 * * * * root hwclock --systohc",
        "0 * * * * root date +\\%s -u",
        "0 * * * * root date -Iseconds",
        "0 * * * * root openrdate x",
        "0 * * * * root logger ntpdated",
        "if [ ! -x /usr/sbin/ntpdate ]; then exit 0; fi",
        "command -v ntpdate",
        "# ntpdate x",
    ],
)
def test_a_job_that_does_not(host: Host, line: str) -> None:
    put(host, "/etc/cron.d/time", f"{line}\n")
    assert look_setters(host, ()) == ()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/crontab",
        "/etc/rc.local",
        "/etc/cron.daily/time",
        "/var/spool/cron/crontabs/root",
        "/var/spool/cron/root",
        "/etc/network/if-up.d/ntpsec-ntpdate",
        "/etc/NetworkManager/dispatcher.d/20-time",
    ],
)
def test_wherever_it_is_run_from(host: Host, path: str) -> None:
    put(host, path, "ntpdate x\n")
    assert [found.where for found in look_setters(host, ())] == [f"{path}:1"]


@pytest.mark.parametrize("path", ["/etc/cron.d/x.dpkg-old", "/etc/cron.d/.x", "/etc/cron.d/x~"])
def test_not_what_is_left_lying_there(host: Host, path: str) -> None:
    put(host, path, "ntpdate x\n")
    assert look_setters(host, ()) == ()


def test_a_program_is_no_script(host: Host) -> None:
    put(host, "/etc/cron.daily/time", "ntpdate x\n\0")
    assert look_setters(host, ()) == ()


def test_a_service_counts_where_something_starts_it(host: Host) -> None:
    units = "/etc/systemd/system"
    put(host, f"{units}/now.service", "[Service]\nExecStart=/usr/sbin/ntpdate x\n")
    put(host, f"{units}/later.service", "[Service]\nExecStart=-/usr/sbin/ntpdate x\n")
    put(host, f"{units}/never.service", "[Service]\nExecStart=/usr/sbin/ntpdate x\n")
    put(host, f"{units}/multi-user.target.wants/now.service", "")
    put(host, f"{units}/timers.target.wants/later.timer", "")
    assert [found.where for found in look_setters(host, ())] == [f"{units}/later.service:2", f"{units}/now.service:2"]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("/usr/sbin/VBoxService --pidfile /run/x", "VirtualBox's guest additions"),
        ("/usr/sbin/VBoxService --disable-timesync", ""),
        ("/usr/bin/vmtoolsd", "open-vm-tools"),
        ("/usr/sbin/phc2sys -w -s eth0", "phc2sys"),
        ("/usr/sbin/phc2sys -a -r", "phc2sys"),
        ("/usr/sbin/phc2sys -ar", "phc2sys"),
        ("/usr/sbin/phc2sys -a", ""),
        ("/usr/sbin/phc2sys -s CLOCK_REALTIME -c eth0 -w", ""),
        ("/usr/sbin/phc2sys -a -r -E ntpshm", ""),
        ("/usr/sbin/ptp4l -i eth0 -S", "ptp4l with software time stamps"),
        ("/usr/sbin/ptp4l -i eth0", ""),
        ("/usr/sbin/chronyd -F 1", "chronyd"),
        ("/usr/sbin/chronyd -x", ""),
        ("/usr/sbin/timemaster -f x", "timemaster"),
        ("/lib/systemd/systemd-timesyncd", "systemd-timesyncd"),
        ("/usr/sbin/qemu-ga --daemonize", ""),
        ("/usr/sbin/ntpd -g", ""),
    ],
)
def test_a_program_that_runs_all_the_time(host: Host, words: str, what: str) -> None:
    put(host, "/proc/77/cmdline", words.replace(" ", "\0") + "\0")
    assert [found.what for found in look_setters(host, ())] == ([what] if what else [])


def test_not_a_process_of_a_unit_that_is_told_of_by_itself(host: Host) -> None:
    put(host, "/proc/77/cmdline", "/usr/sbin/chronyd\0")
    put(host, "/proc/77/cgroup", "0::/system.slice/chrony.service\n")
    assert look_setters(host, ("chrony.service",)) == ()
    assert len(look_setters(host, ("openntpd.service",))) == 1


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        ("0::/system.slice/chrony.service\n", "chrony.service"),
        ("0::/system.slice/x.service/payload\n", "x.service"),
        ("5:pids:/\n1:name=systemd:/system.slice/ntp.service\n0::/\n", "ntp.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"),
        ("0::/\n", ""),
        ("", ""),
    ],
)
def test_the_unit_of_a_process(host: Host, groups: str, unit: str) -> None:
    put(host, "/proc/77/cgroup", groups)
    assert unit_of(host, 77) == unit


@pytest.mark.parametrize(
    ("words", "leaves"), [("chronyd -x", True), ("chronyd -4xF 1", True), ("chronyd", False), ("ntpd -x", False)]
)
def test_a_time_daemon_may_be_told_to_leave_the_clock_alone(words: str, leaves: bool) -> None:
    assert harmless([(77, tuple(f"/usr/sbin/{words}".split()))]) == ({77} if leaves else set())


@pytest.mark.parametrize("said", ["Disabled\n", ""])
def test_guest_tools_that_leave_the_clock_alone(host: Host, programs: Programs, said: str) -> None:
    programs.says("vmware-toolbox-cmd", said, code=1)
    put(host, "/proc/77/cmdline", "/usr/bin/vmtoolsd\0")
    assert look_setters(host, ()) == ()
