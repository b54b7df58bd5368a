"""What lies around the daemon: each file that tells of it is read, and nothing that stands in one brings the look down."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Optional, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntpjoin.facts import Directive, FileFact
from ntpjoin.host import logs
from ntpjoin.host.machine import Host
from ntpjoin.look.confinement import denials, look_confinement, look_denials, since_boot
from ntpjoin.look.identity import look_identity, look_replaced
from ntpjoin.look.leapfile import look_leapfile
from ntpjoin.look.look import look_again
from ntpjoin.look.surroundings import look_surroundings, look_tracking
from ntpjoin.look.virtual import look_machine, stolen_percent
from ntpjoin.surroundings import ENTER, READ, WRITE, Denial, Identity, Machine, Place, Tracking
from tests.conftest import Programs, put
from tests.hostile import SETTINGS
from tests.sample import ROW, converged

# --- as whom the daemon acts

STATUS = "Name:\tntpd\nUid:\t0\t106\t106\t106\nGid:\t0\t112\t112\t112\nGroups:\t5 112 \nCapEff:\t{caps}\n"


def test_the_daemon_acts_as_its_effective_user_with_all_its_groups(tree: Host) -> None:
    put(tree, "/proc/812/status", STATUS.format(caps="0000000002000400"))
    found = look_identity(tree, 812)
    assert found is not None
    assert (found.uid, found.groups, found.overrides) == (106, frozenset({5, 112}), False)
    put(tree, "/proc/812/status", STATUS.format(caps="0000000000000002"))
    found = look_identity(tree, 812)
    assert found is not None
    assert found.overrides
    assert look_identity(tree, 813) is None


@pytest.mark.parametrize(
    ("uid", "groups", "mode", "bits", "may"),
    [
        (7, {7}, 0o700, WRITE | ENTER, True),
        (7, {7}, 0o500, WRITE, False),
        # The first that fits decides, be the next more generous.
        (7, {7, 8}, 0o070, WRITE, False),
        (9, {8}, 0o070, WRITE, True),
        (9, {8}, 0o703, WRITE, False),
        (9, {9}, 0o703, WRITE | ENTER, True),
        (9, {9}, 0o702, WRITE | ENTER, False),
        (9, {9}, 0o774, READ, True),
    ],
)
def test_the_first_of_owner_group_and_others_that_fits_decides(
    uid: int, groups: set[int], mode: int, bits: int, may: bool
) -> None:
    place = Place("/x", 7, 8, "a:b", mode)
    assert Identity(uid, frozenset(groups), "").may(place, bits) is may
    assert Identity(uid, frozenset(groups), "", overrides=True).may(place, bits)


def test_a_program_that_was_replaced_is_seen(tree: Host) -> None:
    tree.make_folder("/proc/812")
    tree.link("/proc/812/exe", "/usr/sbin/ntpd")
    tree.make_folder("/proc/813")
    tree.link("/proc/813/exe", "/usr/sbin/ntpd (deleted)")
    assert [look_replaced(tree, pid) for pid in (812, 813, 814)] == [False, True, False]


def test_this_process_is_seen_as_the_kernel_has_it() -> None:
    found = look_identity(Host(), os.getpid())
    assert found is not None
    assert (found.uid, found.groups) == (os.geteuid(), frozenset({os.getegid(), *os.getgroups()}))
    assert not look_replaced(Host(), os.getpid())


# --- leap seconds


def leapfile(days: float) -> str:
    """A list that expires in so many days, with its hash."""
    expires = int(time.time() + days * 86400) + 2208988800
    digest = hashlib.sha1(f"3676924800{expires}227206080010".encode()).hexdigest()
    told = " ".join(digest[at : at + 8] for at in range(0, 40, 8))
    return f"#$\t3676924800\n#@\t{expires}\n2272060800\t10\t# 1 Jan 1972\n#h\t{told}\n"


def line(text: str, path: str = "/etc/ntpsec/ntp.conf") -> Directive:
    return Directive(path, 3, tuple(text.split()))


def test_the_leap_file_is_the_one_that_the_last_line_names(tree: Host) -> None:
    put(tree, "/a", leapfile(100.5))
    put(tree, "/b", leapfile(-1.5).replace("2272060800", "2272060801"))
    lines = [line("leapfile /b"), line("server x"), line("leapfile /a")]
    found = look_leapfile(tree, ROW, lines)
    assert (found.path, found.line, found.valid, found.days) == ("/a", "/etc/ntpsec/ntp.conf:3: leapfile /a", True, 100)
    assert found.place is not None
    assert found.expires == time.strftime("%Y-%m-%d", time.gmtime(time.time() + 100.5 * 86400))
    found = look_leapfile(tree, ROW, lines[:2])
    assert (found.path, found.valid, found.days) == ("/b", False, -2)
    assert look_leapfile(tree, ROW, [line("leapfile /b ignorehash")]).valid
    found = look_leapfile(tree, ROW, [line("leapfile")])
    assert (found.path, found.line, found.place, found.days) == (ROW.leapfile, "", None, None)


def test_the_leap_file_of_this_machine_tells_when_it_expires() -> None:
    if not Path(ROW.leapfile).exists():
        pytest.skip("no leap-seconds.list here")
    found = look_leapfile(Host(), ROW, [])
    assert found.valid
    assert found.days is not None
    assert found.expires[4] == found.expires[7] == "-"


# --- what was denied

PROFILE = "/usr/sbin/ntpd"
OPEN = (
    'audit: type=1400 audit(1700000000.123:45): apparmor="DENIED" operation="open" class="file" profile="/usr/sbin/ntpd" '
    'name="/srv/leap.list" pid=812 comm="ntpd" requested_mask="r" denied_mask="r" fsuid=106 ouid=0'
)
CAPABLE = (
    'audit: type=1400 audit(1700000001.123:46): apparmor="DENIED" operation="capable" class="cap" profile="/usr/sbin/ntpd" '
    'pid=812 comm="ntpd" capability=16 capname="sys_module"'
)
SOCKET = (
    'audit: type=1400 audit(1700000001.223:47): apparmor="DENIED" operation="create" profile="/usr/sbin/ntpd" pid=812 comm="ntpd" '
    'family="netlink" sock_type="raw" protocol=0 requested_mask="create" denied_mask="create"'
)
AVC = (
    'type=AVC msg=audit(1700000002.000:48): avc:  denied  { read open } for  pid=812 comm="ntpd" name="ntp.conf" dev="vda1" '
    "ino=7 scontext=system_u:system_r:ntpd_t:s0 tcontext=unconfined_u:object_r:user_tmp_t:s0 tclass=file permissive=0"
)


def kmsg(*records: str) -> str:
    return "".join(f"5,{number},{number}000000,-;{record}\n SUBSYSTEM=x\n" for number, record in enumerate(records))


@pytest.mark.parametrize(
    ("record", "denial"),
    [
        (OPEN, Denial("open", "/srv/leap.list", "r")),
        (CAPABLE, Denial("capable", "sys_module")),
        (SOCKET, Denial("create", "", "create", "netlink", "raw")),
        (AVC, Denial("read open file", "ntp.conf")),
        (AVC.replace('name="ntp.conf"', 'path="/etc/ntp.conf"'), Denial("read open file", "/etc/ntp.conf")),
        # A name with a blank in it comes in hexadecimal digits.
        (OPEN.replace('"/srv/leap.list"', "2F6120622F"), Denial("open", "/a b/", "r")),
        (AVC.replace("permissive=0", "permissive=1"), None),
        (OPEN.replace('"DENIED"', '"ALLOWED"'), None),
        (OPEN.replace("pid=812", "pid=8120"), None),
        (AVC.replace("pid=812", "pid=81"), None),
        (AVC.replace("denied", "granted"), None),
        ("ntpd[812]: nothing was denied here, pid=812 ", None),
    ],
)
def test_each_kind_of_denial_is_read(record: str, denial: Optional[Denial]) -> None:
    assert list(denials(record, 812)) == ([denial] if denial else [])


def test_what_was_denied_to_a_former_process_is_no_longer_told(tree: Host) -> None:
    put(tree, "/dev/kmsg", kmsg(OPEN.replace("pid=812", "pid=700"), CAPABLE, OPEN, OPEN))
    assert look_denials(tree, 812) == (Denial("capable", "sys_module"), Denial("open", "/srv/leap.list", "r"))
    assert look_denials(tree, 700) == (Denial("open", "/srv/leap.list", "r"),)
    assert look_denials(tree, 70) == ()


def test_the_auditors_log_counts_from_the_start_of_this_host(tree: Host) -> None:
    """A process of the boot before had the same number; the numbers of records began anew since."""
    put(tree, "/dev/kmsg", "")
    before = [AVC.replace(":48)", f":{number})") for number in (900, 901)]
    noise = "type=USER msg=audit(1700000003.000:{}): pid=1 x"
    put(tree, logs.AUDIT_LOG, "\n".join([*before, noise.format(3), noise.format(9), noise.format(7), ""]))
    assert look_denials(tree, 812) == ()
    put(tree, logs.AUDIT_LOG, "\n".join([*before, noise.format(3), AVC, noise.format(7), ""]))
    assert look_denials(tree, 812) == (Denial("read open file", "ntp.conf"),)
    assert since_boot("\n".join(before)) == "\n".join(before)


def test_of_a_long_auditors_log_only_the_end_is_read(tree: Host) -> None:
    put(tree, logs.AUDIT_LOG, "x" * 1000 + "end")
    assert logs.audit_log(tree, 5) == "xxend"
    assert logs.audit_log(tree, 5000) == "x" * 1000 + "end"


def test_where_a_log_may_not_be_read_nothing_is_known(tree: Host) -> None:
    assert look_denials(tree, 812) is None
    put(tree, "/dev/kmsg", "")
    assert look_denials(tree, 812) == ()
    tree.make_folder(logs.AUDIT_LOG)  # cannot be opened as a file, as another's 0600 file for who is not root
    assert look_denials(tree, 812) is None


def test_the_kernels_buffer_is_read_record_by_record_to_its_end(tree: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the device gives it: one record a read, EPIPE for what was overwritten, EAGAIN behind the last."""
    put(tree, "/dev/kmsg", "")
    given_out: list[Union[bytes, Exception]] = [
        b"5,1,1,-;pid=812 a\n",
        BrokenPipeError(),
        b"5,3,1,-;another\n",
        b"5,4,1,-;pid=812 b\n",
        BlockingIOError(),
    ]
    reads = iter(given_out)

    def read(_handle: int, _most: int) -> bytes:
        found = next(reads)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(os, "read", read)
    assert logs.kernel_log(tree, b"pid=812 ") == "5,1,1,-;pid=812 a\n5,4,1,-;pid=812 b\n"


@pytest.mark.parametrize(
    ("current", "enforce", "held"),
    [
        ("/usr/sbin/ntpd (enforce)\n", "", ("AppArmor", "/usr/sbin/ntpd", "/etc/apparmor.d/usr.sbin.ntpd")),
        ("ntpd (enforce)\n", "", ("AppArmor", "ntpd", "/etc/apparmor.d/usr.sbin.ntpd")),
        ("/usr/sbin/ntpd (complain)\n", "", None),
        ("unconfined\n", "", None),
        ("system_u:system_r:ntpd_t:s0\0", "1", ("SELinux", "system_u:system_r:ntpd_t:s0", "")),
        ("system_u:system_r:ntpd_t:s0\0", "0", None),
        ("system_u:system_r:unconfined_service_t:s0\0", "1", None),
        ("", "1", None),
    ],
)
def test_what_holds_the_daemon(tree: Host, current: str, enforce: str, held: Optional[tuple[str, str, str]]) -> None:
    put(tree, "/proc/812/attr/current", current)
    put(tree, "/sys/fs/selinux/enforce", enforce)
    put(tree, "/etc/apparmor.d/usr.sbin.ntpd", "")
    found = look_confinement(tree, 812)
    assert (found and (found.by, found.profile, found.file)) == held


# --- what it runs on


def machine(tree: Host, **files: str) -> Machine:
    """The machine of these files; `flags` is of /proc/cpuinfo."""
    places = {
        "flags": ("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu {}\n\n"),
        "maker": ("/sys/class/dmi/id/sys_vendor", "{}\n"),
        "model": ("/sys/class/dmi/id/product_name", "{}\n"),
        "xen": ("/sys/hypervisor/type", "{}\n"),
        "clock": ("/sys/devices/system/clocksource/clocksource0/current_clocksource", "{}\n"),
        "clocks": ("/sys/devices/system/clocksource/clocksource0/available_clocksource", "{} \n"),
        "stat": ("/proc/stat", "cpu  {}\ncpu0 1\n"),
        "container": ("/run/systemd/container", "{}\n"),
    }
    for name, text in files.items():
        path, form = places[name]
        put(tree, path, form.format(text))
    return look_machine(tree, "")


def test_a_machine_of_its_own(tree: Host) -> None:
    assert machine(tree) == Machine()
    found = machine(tree, flags="tsc", maker="Supermicro", model="X11", clock="tsc", clocks="tsc hpet acpi_pm")
    assert found == Machine(product="Supermicro X11", clocksource="tsc", clocksources=("tsc", "hpet", "acpi_pm"))


@pytest.mark.parametrize(
    "files", [{"flags": "tsc hypervisor"}, {"maker": "QEMU"}, {"maker": "VMware, Inc."}, {"xen": "xen"}]
)
def test_a_virtual_machine_is_told_by_its_processor_its_firmware_or_the_kernel(
    tree: Host, files: dict[str, str]
) -> None:
    assert machine(tree, **files).virtual


def test_a_cloud_rents_out_real_machines_too(tree: Host) -> None:
    assert not machine(tree, maker="Amazon EC2", model="m5.metal", flags="tsc").virtual
    assert machine(tree, maker="Amazon EC2", model="m5.large", flags="hypervisor").virtual


def test_a_container_is_told_by_what_was_left_in_it(tree: Host) -> None:
    put(tree, "/.dockerenv", "")
    assert look_machine(tree, "").container == "docker"
    assert machine(tree, container="systemd-nspawn").container == "systemd-nspawn"
    assert look_machine(tree, "lxc").container == "lxc"


@pytest.mark.parametrize(
    ("meminfo", "kb"),
    [
        ("MemTotal:         983412 kB\nMemFree: 1 kB\n", 983_412),
        ("MemTotal: much\n", 0),
        ("", 0),
        (f"MemTotal: {'9' * 20} kB\n", 0),
    ],
)
def test_how_much_memory_there_is(tree: Host, meminfo: str, kb: int) -> None:
    put(tree, "/proc/meminfo", meminfo)
    assert look_machine(tree, "").memory_kb == kb


def test_what_a_maker_says_is_cut_to_what_can_be_shown(tree: Host) -> None:
    assert machine(tree, maker="\x1b[31m" + "x" * 100 + "\nmore").product == "[31m" + "x" * 56


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("cpu  60 0 20 10 0 0 0 10 5 0\n", 10.0),
        ("cpu  100 0 0 0 0 0 0 0 0 0\n", 0.0),
        ("cpu  0 0 0 0 0 0 0 0 0 0\n", None),
        ("cpu  1 2 3 4\n", None),
        ("cpu0 60 0 20 10 0 0 0 10 5 0\n", None),
        ("cpu  60 0 20 10 0 0 0 -10 5 0\n", None),
        (f"cpu  {'9' * 5000} 0 20 10 0 0 0 10 5 0\n", None),
        ("", None),
    ],
)
def test_the_time_that_others_got(text: str, percent: Optional[float]) -> None:
    assert stolen_percent(text) == percent


@pytest.mark.parametrize(
    ("count", "most", "found"),
    [("12\n", "262144\n", Tracking(12, 262144)), ("12\n", "0\n", Tracking(12, 0)), ("", "1\n", None), ("x", "1", None)],
)
def test_how_full_the_table_of_connections_is(tree: Host, count: str, most: str, found: Optional[Tracking]) -> None:
    put(tree, "/proc/sys/net/netfilter/nf_conntrack_count", count)
    put(tree, "/proc/sys/net/netfilter/nf_conntrack_max", most)
    assert look_tracking(tree) == found


# --- all of it


def test_everything_is_looked_at_by_the_lines_that_count(tree: Host) -> None:
    put(tree, "/proc/812/status", STATUS.format(caps="0"))
    tree.make_folder("/srv/drift")
    extra = (line("driftfile /srv/drift/x", "/etc/ntpsec/ntp.d/a.conf"), line("leapfile /srv/leap"))
    found = look_surroundings(tree, converged(directives=extra), ROW)
    assert found.identity is not None
    assert found.identity.uid == 106
    assert (found.drift, found.drift_folder and found.drift_folder.path) == ("/srv/drift/x", "/srv/drift")
    assert found.leapfile is not None
    assert found.leapfile.path == "/srv/leap"
    assert found.machine == Machine()
    without = look_surroundings(tree, converged(daemon=None), ROW)
    assert (without.identity, without.confinement, without.drift) == (None, None, ROW.drift)
    assert without.drift_folder is None


def test_a_configuration_that_may_not_be_read_is_not_taken_to_name_nothing(tree: Host) -> None:
    unseen = {ROW.config: FileFact(b"", 0, "", unseen=True)}
    found = look_surroundings(tree, converged(files=unseen), ROW)
    assert (found.leapfile, found.drift) == (None, ROW.drift)
    silent = {ROW.config: FileFact(b"server 192.0.2.1\n", 0o644, "root:root")}
    found = look_surroundings(tree, converged(files=silent), ROW)
    assert found.leapfile is not None
    assert (found.leapfile.line, found.drift, found.drift_folder) == ("", "", None)


# --- whatever stands there

#: As a kernel, an attacker's file name or a broken file system may write it.
_WORDS = [
    *(
        "cpu ",
        "Uid:",
        "Gid:",
        "Groups:",
        "CapEff:",
        "flags:",
        "#@",
        "#h",
        "#$",
        "(enforce)",
        ":",
        "\t",
        " ",
        "\0",
        "\n",
    ),
    *("0", "-1", "9" * 30, "9" * 5000, "ff", "é", "٣", 'apparmor="DENIED"', "avc:  denied  { x } for ", "pid=812 "),
    *('name="', '"', "name=2F", "audit(1.2:", "3)"),
]
ODD = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(_WORDS), max_size=30).map("".join))


@SETTINGS
@given(texts=st.lists(ODD, min_size=9, max_size=9))
def test_nothing_that_stands_in_a_file_brings_a_look_down(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    host = Host(root=tmp_path_factory.mktemp("root"))
    paths = (
        "/proc/812/status",
        "/proc/812/attr/current",
        "/proc/stat",
        "/proc/cpuinfo",
        "/proc/sys/net/netfilter/nf_conntrack_count",
        "/sys/class/dmi/id/sys_vendor",
        "/dev/kmsg",
        logs.AUDIT_LOG,
        ROW.leapfile,
    )
    for path, text in zip(paths, texts):
        host.path(path).parent.mkdir(parents=True, exist_ok=True)
        host.path(path).write_bytes(text.encode(errors="surrogatepass"))
    found = look_surroundings(host, converged(), ROW)
    assert found.drift == ROW.drift
    assert all(isinstance(one, Denial) for text in texts for one in denials(text, 812))
    assert all(text.endswith(since_boot(text)) for text in texts)
    percent = found.machine.stolen_percent
    assert percent is None or 0 <= percent <= 100
    assert found.machine.product.isprintable()


def test_they_are_looked_at_again_with_the_daemon(tree: Host, programs: Programs) -> None:
    programs.says("systemctl")
    put(tree, "/proc/sys/net/netfilter/nf_conntrack_count", "5")
    put(tree, "/proc/sys/net/netfilter/nf_conntrack_max", "10")
    assert look_again(tree, converged(), "daemon").surroundings.tracking == Tracking(5, 10)
