"""systemd, the table of systems, the kernel's sockets, and ntpd's own words."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Optional

import pytest

from ntpjoin.errors import CommandFailed, StepFailed
from ntpjoin.facts import Holder, Unit
from ntpjoin.host import distros, ntpd, ports
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.reading import environment
from ntpjoin.host.services import systemd
from ntpjoin.systems import Row
from tests.conftest import Programs
from tests.os_releases import systems


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "root").mkdir()
    return Host(root=tmp_path / "root")


# --- systemd

SHOWN = """\
MainPID=812
Result=success
Id=ntpsec.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
ConditionResult=yes
InvocationID=0a1b2c3d4e5f60718293a4b5c6d7e8f9

MainPID=0
Result=success
Id=systemd-timesyncd.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
ConditionResult=no
InvocationID=

MainPID=0
Result=exit-code
Id=chrony.service
LoadState=masked
ActiveState=failed
SubState=failed
UnitFileState=masked
ConditionResult=yes
InvocationID=ff
"""


def test_several_units_are_asked_at_once(host: Host, programs: Programs) -> None:
    programs.says("systemctl", SHOWN)
    # chronyd.service is an alias: it is found under the name asked, and tells its own.
    names = ("ntpsec.service", "systemd-timesyncd.service", "chronyd.service")
    found = systemd.show(host, names)
    assert found["ntpsec.service"] == Unit(
        "ntpsec.service", "loaded", "enabled", "active", "running", 812, "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    )
    missing = found["systemd-timesyncd.service"]
    assert (missing.exists, missing.running, missing.pid, missing.condition) == (False, False, 0, False)
    masked = found["chronyd.service"]
    assert (masked.name, masked.exists, masked.running, masked.result) == ("chrony.service", True, False, "exit-code")
    [call] = programs.calls()
    assert call.endswith("-- ntpsec.service systemd-timesyncd.service chronyd.service")


@pytest.mark.parametrize(
    ("active", "running"),
    [("active", True), ("activating", True), ("reloading", True), ("failed", False), ("deactivating", False)],
)
def test_what_counts_as_running(active: str, running: bool) -> None:
    assert Unit("x", "loaded", active=active).running is running


def test_a_systemd_that_does_not_answer_is_not_taken_for_one_without_units(host: Host, programs: Programs) -> None:
    programs.says("systemctl", err="Failed to get properties: Connection timed out\n", code=1)
    with pytest.raises(CommandFailed, match="Connection timed out"):
        systemd.show(host, ["x.service"])


def test_a_unit_is_held_back_and_released(host: Host, programs: Programs) -> None:
    programs.says("systemctl", "Id=ntpsec.service\nLoadState=not-found\n")
    host.make_folder("/etc/systemd/system")
    systemd.hold(host, "ntpsec.service")
    assert "\nConditionPathExists=!/\n" in host.text("/etc/systemd/system/ntpsec.service.d/ntpjoin-hold.conf")
    assert systemd.held(host, "ntpsec.service")
    assert systemd.show(host, ["ntpsec.service"])["ntpsec.service"].held
    systemd.release(host, "ntpsec.service")
    assert not systemd.held(host, "ntpsec.service")
    assert host.names("/etc/systemd/system") == ()
    assert programs.calls().count("systemctl daemon-reload") == 2


def test_releasing_leaves_the_drop_ins_of_others(host: Host, programs: Programs) -> None:
    programs.says("systemctl")
    systemd.hold(host, "ntpsec.service")
    host.write("/etc/systemd/system/ntpsec.service.d/other.conf", FileState(b"", 0o644, ""))
    systemd.release(host, "ntpsec.service")
    assert host.names("/etc/systemd/system/ntpsec.service.d") == ("other.conf",)


def test_starting_forgets_earlier_failures(host: Host, programs: Programs) -> None:
    programs.says("systemctl")
    systemd.start(host, "x.service")
    systemd.start(host, "x.service", again=True)
    systemd.set_enabled(host, "x.service", enabled=True)
    systemd.set_enabled(host, "x.service", enabled=False)
    systemd.stop(host, "x.service")
    systemd.renew(host, "x.service")
    said = [call.split()[1] for call in programs.calls()]
    assert said == ["reset-failed", "start", "reset-failed", "restart", "enable", "disable", "stop", "reload"]


def test_the_log_is_found_by_the_invocation_and_never_by_time(host: Host, programs: Programs) -> None:
    programs.says("journalctl", "one\n\n  \ntwo\n")
    assert systemd.log(host, Unit("x", invocation="abc")) == ("one", "two")
    assert systemd.log(host, Unit("x")) == ()
    [call] = programs.calls()
    assert "_SYSTEMD_INVOCATION_ID=abc" in call
    assert "since" not in call


# --- the table

DEBIAN_12 = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
"""
LMDE_6 = """\
NAME="LMDE"
VERSION="6 (faye)"
ID=linuxmint
ID_LIKE=debian
VERSION_ID="6"
VERSION_CODENAME=faye
DEBIAN_CODENAME=bookworm
"""
UBUNTU_24 = """\
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
"""
MINT_22 = """\
ID=linuxmint
ID_LIKE="ubuntu debian"
VERSION_ID="22"
VERSION_CODENAME=wilma
UBUNTU_CODENAME=noble
"""


#: Words of a refusal, as the table of real systems calls them.
_WHY = {
    "an image": "its system is an image",
    "chrony only": "only",
    "end of life": "past its end of life",
    "no scripts": "neither an ntpd",
    "unknown": "in no row of the table",
}


@pytest.mark.parametrize(("name", "os_release", "leads"), systems(), ids=[name for name, _, _ in systems()])
def test_a_real_system_leads_to_its_row_or_its_refusal(name: str, os_release: dict[str, str], leads: str) -> None:
    del name
    found = distros.find(os_release)
    if found:
        assert found.name == leads
        # Who is like Fedora is none: it has other packages.
        assert os_release["ID"] in found.match.ids
    else:
        kind = leads.removeprefix("refused: ")
        assert (leads != kind, _WHY[kind] in distros.refusal(os_release).why) == (True, True)
        assert distros.refusal(os_release).remedy


def test_enough_real_systems_are_among_them() -> None:
    assert len(systems()) >= 45
    assert {row.name for row in distros.ROWS} <= {leads for _, _, leads in systems()}


@pytest.mark.parametrize(
    ("text", "row"),
    [
        pytest.param(DEBIAN_12, "debian-12", id="Debian 12"),
        pytest.param('ID=debian\nNAME="Debian GNU/Linux"\n', None, id="Debian without a codename"),
        pytest.param(DEBIAN_12.replace("ID=debian", "ID='debian'"), "debian-12", id="quoted"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_system_is_found_by_its_raw_id_and_the_codename_of_its_base(text: str, row: Optional[str]) -> None:
    found = distros.find(environment(text))
    assert (found.name if found else None) == row


@pytest.mark.parametrize(
    ("text", "codename"),
    [(DEBIAN_12, "bookworm"), (LMDE_6, "bookworm"), (UBUNTU_24, "noble"), (MINT_22, "noble"), ("", "")],
)
def test_the_codename_is_that_of_the_base(text: str, codename: str) -> None:
    assert distros.codename_of(environment(text)) == codename


@pytest.mark.parametrize("row", distros.ROWS, ids=lambda row: row.name)
def test_a_row_is_whole(row: Row) -> None:
    assert row.packages
    assert row.match.ids
    assert row.unit.endswith(".service")
    assert all(rival.unit.endswith(".service") for rival in row.rivals)
    for path in (row.daemon, row.config, row.include, row.drift, row.leapfile, row.stats):
        assert re.fullmatch(r"/[A-Za-z0-9._/-]+", path)
    assert not {rival.unit for rival in row.rivals} & {row.unit}


def test_rows_have_names_of_their_own_and_no_system_has_two() -> None:
    assert len({row.name for row in distros.ROWS}) == len(distros.ROWS)
    keys = [
        (one, what)
        for row in distros.ROWS
        for one in row.match.ids
        for what in (*row.match.codenames, *row.match.versions) or ("",)
    ]
    assert len(set(keys)) == len(keys)


# --- ports: tables captured from a little-endian machine; the kernel prints in its own byte order.


def kernel(raw: bytes) -> str:
    return "".join(f"{struct.unpack('=I', raw[i : i + 4])[0]:08X}" for i in range(0, len(raw), 4))


LOOPBACK6 = bytes(15) + b"\1"
GLOBAL6 = bytes.fromhex("20010db8000000000000000000000007")
UDP = f"""\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  377: {kernel(bytes([203, 0, 113, 7]))}:007B 00000000:0000 07 00000000:00000000 00:0 0     0        0 15551 2 0000000000000000 0
  377: {kernel(bytes([127, 0, 0, 1]))}:007B 00000000:0000 07 00000000:00000000 00:0 0     0        0 15552 2 0000000000000000 0
  378: {kernel(bytes(4))}:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 123 2 0000000000000000 0
"""
UDP6 = f"""\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  377: {kernel(LOOPBACK6)}:007B {kernel(bytes(16))}:0000 07 00000000:00000000 00:00000000 00000000     0        0 15561 2 0000000000000000 0
  377: {kernel(GLOBAL6)}:007B {kernel(bytes(16))}:0000 07 00000000:00000000 00:00000000 00000000   117        0 15562 2 0000000000000000 0
"""  # noqa: E501


def put(host: Host, path: str, text: str) -> None:
    host.make_folder(path.rpartition("/")[0])
    host.write(path, FileState(text.encode(), 0o644, ""))


def process(host: Host, pid: int, words: str, inodes: list[int], separator: str = "\0") -> None:
    put(host, f"/proc/{pid}/cmdline", words.replace(" ", separator) + "\0")
    host.make_folder(f"/proc/{pid}/fd")
    for number, inode in enumerate(inodes):
        host.path(f"/proc/{pid}/fd/{number}").symlink_to(f"socket:[{inode}]")


def test_who_holds_the_port_and_on_which_addresses(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "is_root", lambda _: True)
    put(host, "/proc/net/udp", UDP)
    put(host, "/proc/net/udp6", UDP6)
    process(host, 812, "/usr/sbin/ntpd -p /run/ntpd.pid", [15551, 15561, 15562, 99])
    process(host, 900, "avahi-daemon: running [x.local]", [15552], separator=" ")
    process(host, 901, "/sbin/dhclient", [123])
    found = ports.holders(host, 123)
    assert found is not None
    assert set(found) == {
        Holder(812, "ntpd", "203.0.113.7"),
        Holder(812, "ntpd", "::1"),
        Holder(812, "ntpd", "2001:db8::7"),
        Holder(900, "avahi-daemon", "127.0.0.1"),
    }
    assert ports.holders(host, 68) == (Holder(901, "dhclient", "0.0.0.0"),)


def test_a_port_that_nobody_holds(host: Host) -> None:
    put(host, "/proc/net/udp", UDP.splitlines()[0] + "\n")
    assert ports.holders(host, 123) == ()


def test_without_root_the_holders_cannot_be_seen(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "is_root", lambda _: False)
    put(host, "/proc/net/udp", UDP)
    assert ports.holders(host, 123) is None
    assert ports.holders(host, 124) == ()


# --- ntpd

DEFAULT = "/etc/ntp.conf"


@pytest.mark.parametrize(
    ("line", "config"),
    [
        ("ntpd", DEFAULT),
        ("ntpd -p /run/ntpd.pid -g -N -u ntpsec:ntpsec", DEFAULT),
        ("ntpd -c /etc/ntpsec/ntp.conf -g", "/etc/ntpsec/ntp.conf"),
        ("ntpd -c/etc/x", "/etc/x"),
        ("ntpd --configfile /etc/x", "/etc/x"),
        ("ntpd --configfile=/etc/x", "/etc/x"),
        ("ntpd -c /run/ntp.conf.dhcp -c /etc/x", "/etc/x"),
        ("ntpd -g -c /etc/x", "/etc/x"),
        ("ntpd -ngc /etc/x", "/etc/x"),
        ("ntpd -4nc/etc/x -g", "/etc/x"),
        ("ntpd -p c -u nc -f /var/lib/ntp/c", DEFAULT),
        ("ntpd -pc -unc", DEFAULT),
    ],
)
def test_the_file_that_a_command_line_names(line: str, config: str) -> None:
    assert ntpd.config_of(tuple(line.split()), DEFAULT) == config


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("2026-01-01T00:00:00 ntpd[7]: CONFIG: readconfig: parsing file: /etc/ntpsec/ntp.conf", ""),
        ("ntpd[7]: CONFIG: line 9 column 1 syntax error, unexpected T_String", "line 9 column 1 syntax error, unexpected T_String"),
        ("ntpd[7]: syntax error in /etc/ntp.conf line 9, column 1", "ntpd[7]: syntax error in /etc/ntp.conf line 9, column 1"),
        ("ntpd[7]: restrict nopeer ignored", "ntpd[7]: restrict nopeer ignored"),
        ("ntpd[7]: leapsecond file: bad hash, unusable", "ntpd[7]: leapsecond file: bad hash, unusable"),
        ("ntpd[7]: INIT: precision = 0.100 usec", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_what_a_line_of_the_log_complains_of(line: str, found: str) -> None:
    assert ntpd.complaint(line) == found


@pytest.mark.parametrize(
    "line",
    [
        "ntpd[7]: CLOCK: statistics directory /var/log/ntpsec/ does not exist or is unwriteable",
        "ntpd[7]: giving up resolving host gone.example.net: Name or service not known (-2)",
    ],
)
def test_some_complaints_count_in_service_only(line: str) -> None:
    assert ntpd.complaint(line) == ""
    assert ntpd.log_complaint(line) == line


def test_running_daemons_are_found_by_their_path_or_name(host: Host) -> None:
    process(host, 7, "/usr/sbin/ntpd -g", [])
    process(host, 8, "ntpd -g", [])
    process(host, 9, "vi /usr/sbin/ntpd", [])
    process(host, 10, "/usr/sbin/ntpdate", [])
    assert [pid for pid, _ in ntpd.running(host, "/usr/sbin/ntpd")] == [7, 8] or [
        pid for pid, _ in ntpd.running(host, "/usr/sbin/ntpd")
    ] == [8, 7]


class TestTheDaemonsOwnWord:
    """The check of a configuration, with a daemon of ours in the place of ntpd; the namespaces are for the tests on real systems."""

    @pytest.fixture(autouse=True)
    def _cage(self, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ntpd, "_SILENCE_S", 0.2)
        monkeypatch.setattr(ntpd, "_PATIENCE_S", 3.0)
        programs.add("unshare", "exec /bin/sleep 600")
        programs.add("nsenter", 'while [ "$1" != -n ]; do shift; done; shift; exec "$@"')
        programs.add("mount", f'echo "$2" > {programs.folder}/candidate')
        programs.add("setpriv", 'shift; shift; exec "$@"')
        programs.add("timeout", 'shift; exec "$@"')
        self.programs = programs

    def daemon(self, says: str) -> None:
        """A daemon that says this of the candidate; END stands for the complaint of its last line."""
        end = f'candidate=$(/bin/cat {self.programs.folder}/candidate); n=$(/usr/bin/wc -l < "$candidate")'
        line = 'end="ntpd[1]: CONFIG: line $n column 1 syntax error, unexpected T_String"'
        self.programs.add("ntpd", f"{end}\n{line}\n{says}")

    def complaints(self, content: str = "driftfile /x\nserver 192.0.2.1\n") -> tuple[str, ...]:
        return ntpd.complaints(Host(), "ntpd", "/etc/ntp.conf", content)

    def test_a_daemon_that_reads_to_the_end_and_is_silent_accepts(self) -> None:
        self.daemon('echo "CONFIG: readconfig: parsing file: x"; echo "$end"; exec /bin/sleep 60')
        assert self.complaints() == ()

    def test_its_complaints_are_told(self) -> None:
        self.daemon('echo "ntpd[1]: CONFIG: line 1 column 1 syntax error, why"; echo "$end"; exec /bin/sleep 60')
        assert self.complaints() == ("line 1 column 1 syntax error, why",)

    def test_a_complaint_that_comes_late_counts(self) -> None:
        self.daemon('echo "$end"; /bin/sleep 0.1; echo "restrict ignored"; exec /bin/sleep 60')
        assert self.complaints() == ("restrict ignored",)

    def test_a_daemon_that_ends_without_having_read_all_is_no_proof(self) -> None:
        self.daemon('echo "must be run as root"; exit 3')
        with pytest.raises(StepFailed, match=r"did not read the new configuration to its end.*\n.*must be run as root"):
            self.complaints()

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (OSError(28, "No space left on device"), "No space left on device"),
            (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "there is no room for temporary"),
        ],
    )
    def test_a_full_disk_is_told(self, monkeypatch: pytest.MonkeyPatch, error: OSError, told: str) -> None:
        def full(*_: object) -> int:
            raise error

        self.daemon('echo "$end"')
        monkeypatch.setattr(Path, "write_text", full)
        with pytest.raises(StepFailed, match=f"could not be laid out for its check: {told}"):
            self.complaints()

    def test_silence_is_no_proof(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ntpd, "_PATIENCE_S", 0.4)
        self.daemon("exec /bin/sleep 60")
        with pytest.raises(StepFailed, match="did not read the new configuration to its end"):
            self.complaints()

    def test_an_error_in_a_line_whose_number_begins_alike_is_not_the_end(self) -> None:
        self.daemon('echo "CONFIG: line 30 column 1 syntax error, why"; exit 1')
        with pytest.raises(StepFailed):
            self.complaints()

    def test_nothing_is_left_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "tmp").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
        self.daemon('echo "$end"')
        self.complaints()
        assert list((tmp_path / "tmp").iterdir()) == []
