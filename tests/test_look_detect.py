"""What a host is, told on any system, with root and without: what cannot be seen is named, and nothing is changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Optional

import pytest

from ntpjoin.board import Billboard
from ntpjoin.facts import Daemon, FileFact, JournalFacts, Setter, Unit
from ntpjoin.host import ntpd
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.services import systemd
from ntpjoin.look import daemon
from ntpjoin.look import detect as module
from ntpjoin.look.detect import Detection, detect
from ntpjoin.show import detection
from ntpjoin.show.terminal import Style
from ntpjoin.systems import Rival
from tests.conftest import Programs
from tests.sample import BOARD, OWN4, ROW, TIMESYNCD, TIMESYNCD_UNIT, converged, detected, fresh
from tests.stream import Stream

PLAIN = Style(Stream(), "never")
HOSTS = Path(__file__).parent / "hosts"


def lines(one: Detection) -> dict[str, str]:
    return {line[:12].strip(): line[13:] for line in detection.text(one, PLAIN).splitlines()}


# --- which ntpd


@pytest.mark.parametrize(
    ("out", "code", "engine", "version"),
    [
        ("ntpd ntpsec-1.2.2\n", 0, "ntpsec", "1.2.2"),
        ("ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)\n", 0, "classic", "4.2.8p15"),
        ("", 0, None, ""),
        ("ntpd: unknown option\n", 1, None, ""),
    ],
)
def test_an_ntpd_says_which_it_is(programs: Programs, out: str, code: int, engine: Optional[str], version: str) -> None:
    programs.says("ntpd", out, code=code)
    assert ntpd.version(Host(), "ntpd") == (engine, version)


@pytest.mark.usefixtures("programs")
def test_an_ntpd_that_is_not_there_is_none() -> None:
    assert ntpd.version(Host(), "/nowhere/ntpd") == (None, "")


# --- looking


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Programs) -> Host:
    """A captured Debian 12, and programs that say what those of a strange system would."""
    monkeypatch.setattr(Host, "is_root", lambda _: True)
    monkeypatch.setattr(Host, "which", lambda _, name: f"/bin/{name}" if (programs.folder / name).exists() else None)
    monkeypatch.setattr(daemon, "look_billboard", lambda _: BOARD)
    monkeypatch.setattr("os.sysconf", lambda _: 100)
    shutil.copytree(HOSTS / "debian-12", tmp_path / "root", symlinks=True)
    programs.add("systemd-detect-virt", 'case "$1" in --vm) echo kvm ;; --container) echo none; exit 1 ;; esac')
    programs.says("ip", "[]")
    return Host(root=tmp_path / "root")


def put(host: Host, path: str, text: str) -> None:
    host.make_folder(path.rpartition("/")[0])
    host.write(path, FileState(text.encode(), 0o644, ""))


def strange(host: Host) -> None:
    put(host, "/usr/lib/os-release", 'ID=strange\nPRETTY_NAME="Strange Linux 9"\nVERSION_ID=9\n')
    put(host, "/etc/os-release", 'ID=strange\nPRETTY_NAME="Strange Linux 9"\nVERSION_ID=9\n')


@pytest.mark.parametrize(("there", "manager"), [("dnf", "dnf"), ("zypper", "zypper"), ("pacman", "pacman"), ("", "")])
def test_a_system_that_is_in_no_row(host: Host, programs: Programs, there: str, manager: str) -> None:
    strange(host)
    if there:
        programs.says(there)
    block = "Id={}\nLoadState={}\nUnitFileState={}\nActiveState={}\nMainPID={}\n"
    blocks = {
        "ntpsec.service": ("not-found", "", "inactive", 0),
        "ntp.service": ("not-found", "", "inactive", 0),
        "ntpd.service": ("loaded", "enabled", "active", 812),
        "systemd-timesyncd.service": ("not-found", "", "inactive", 0),
        "chrony.service": ("not-found", "", "inactive", 0),
        "chronyd.service": ("loaded", "disabled", "inactive", 0),
        "openntpd.service": ("not-found", "", "inactive", 0),
    }
    programs.says("systemctl", "\n".join(block.format(name, *values) for name, values in blocks.items()))
    programs.says("ntpd", "ntpd 4.2.8p18@1.4062-o\n")
    put(host, "/proc/812/cmdline", "/usr/sbin/ntpd\0-u\0ntp:ntp\0-g\0")
    seen = detect(host)
    assert seen.facts.system.row is None
    assert seen.manager == manager
    assert (seen.unit.name, seen.unit.running) == ("ntpd.service", True)
    assert [unit.name for _, unit in seen.rivals] == ["chronyd.service"]
    assert any("in no row" in text for text in seen.unknown)
    assert lines(seen)["system"] == "Strange Linux 9: not supported"
    page = json.loads(json.dumps(detection.page(seen)))
    assert (page["os"]["row"], page["package_manager"], page["files"]) == (None, manager or None, [])


def test_a_daemon_without_a_row_is_found_and_what_it_reads_is_not_guessed(host: Host, programs: Programs) -> None:
    strange(host)
    programs.says("systemctl", "\n".join("Id=x\nLoadState=not-found\n" for _ in range(7)))
    programs.says("ntpd", "ntpd ntpsec-1.2.3\n")
    put(host, "/proc/812/cmdline", "/bin/ntpd\0-g\0")
    seen = detect(host)
    assert seen.daemon is not None
    assert (seen.daemon.pid, seen.daemon.config) == (812, "")
    assert lines(seen)["reads"] == "unknown: its command line names no file"
    put(host, "/proc/812/cmdline", "/bin/ntpd\0-c\0/etc/mine.conf\0")
    assert lines(detect(host))["reads"] == "/etc/mine.conf"


def test_a_host_that_lacks_every_program_is_still_told_of(
    host: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange(host)
    shutil.rmtree(host.path("/run/systemd"))
    for name in ("ip", "systemd-detect-virt"):
        (programs.folder / name).unlink()
    put(host, "/var/lib/ntpjoin/runs/0001/run.json", "{}")
    monkeypatch.setattr(Host, "is_root", lambda _: False)
    seen = detect(host)
    assert (seen.manager, seen.virtualisation, seen.engine, seen.rivals) == ("", "", None, ())
    for word in ("firewall", "earlier runs", "in no row", "ip is not", "systemd-detect-virt is not"):
        assert any(word in text for text in seen.unknown), word
    assert lines(seen)["machine"].startswith("an init that is not known, ")


def test_a_file_that_may_not_be_read_is_unknown(monkeypatch: pytest.MonkeyPatch, host: Host) -> None:
    from ntpjoin.look.files import look_files

    def refused(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(Host, "state", refused)
    monkeypatch.setattr("ntpjoin.host.packages.apt.conffiles", lambda *_: {})
    assert look_files(host, ROW, ("/etc/x",), {}) == {"/etc/x": FileFact(b"", 0, "", unseen=True)}


def test_what_a_reader_without_root_does_not_see_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = converged(
        system__root=False,
        holders=None,
        firewall__manager="unknown",
        journal=JournalFacts(unseen=True),
        files={ROW.config: FileFact(b"", 0, "", unseen=True)},
    )
    monkeypatch.setattr(module, "look", lambda _: facts)
    monkeypatch.setattr(ntpd, "version", lambda *_: ("ntpsec", "1.2.2"))
    monkeypatch.setattr(systemd, "show", lambda *_: facts.units)
    monkeypatch.setattr(Host, "which", lambda _, name: name)
    monkeypatch.setattr(Host, "run", lambda *_, **__: type("Said", (), {"out": "kvm\n"}))
    seen = detect(Host())
    assert len(seen.unknown) == 4
    assert [text for text in detection.text(seen, PLAIN).splitlines() if text.startswith("? ")] == [
        f"? {text}" for text in seen.unknown
    ]
    said = lines(seen)
    assert said["UDP 123"] == "held, by whom is unknown"
    assert said["firewall"] == "unknown"
    assert said["config"] == f"{ROW.config}: there, whose is unknown"
    page = detection.page(seen)
    assert page["udp_123"] is None
    assert page["files"][0] == {"role": "config", "path": ROW.config, "exists": True, "whose": None}


def test_without_the_journal_nobody_is_called_the_owner_of_a_file() -> None:
    own, stock = FileFact(b"x", 0o644, "root:root"), FileFact(b"x", 0o644, "root:root", stock=True)
    unseen = JournalFacts(unseen=True)
    for file, whose in ((own, None), (stock, "package")):
        page = detection.page(detected(converged(journal=unseen, files={ROW.config: file})))
        assert page["files"][0]["whose"] == whose


def test_a_container_is_told_though_it_may_set_the_clock(host: Host, programs: Programs) -> None:
    strange(host)
    programs.says("systemctl", "\n".join("Id=x\nLoadState=not-found\n" for _ in range(7)))
    assert (detect(host).facts.system.container, detect(host).virtualisation) == ("", "kvm")
    programs.add("systemd-detect-virt", 'case "$1" in --vm) echo none; exit 1 ;; --container) echo lxc ;; esac')
    assert detection.page(detect(host))["machine"]["container"] == "lxc"


# --- showing


def test_a_fresh_host_as_people_see_it() -> None:
    timesyncd = (Rival(TIMESYNCD.name, TIMESYNCD_UNIT), fresh().unit(TIMESYNCD_UNIT))
    assert detection.text(detected(fresh(), rivals=(timesyncd,)), PLAIN).splitlines() == [
        "system       Debian GNU/Linux 12 (bookworm): supported, row debian-12",
        "machine      systemd, virtual (kvm), may set its clock, seen as root",
        "packages     apt, ntpsec is not installed",
        "ntpd         not installed",
        f"config       {ROW.config}: not there",
        f"include      {ROW.include}: not there",
        f"drift        {ROW.drift}: not there",
        "firewall     ufw is active; UDP 123: IPv4 does not get in, IPv6 does not get in",
        f"time daemon  systemd-timesyncd {TIMESYNCD.version}: runs and is enabled",
        "UDP 123      held by nobody",
        "addresses    203.0.113.7, 2001:db8:113::7",
    ]


def test_a_server_that_is_set_up_as_people_see_it() -> None:
    said = lines(detected(converged(), engine="ntpsec", version="1.2.2"))
    assert said["ntpd"] == f"ntpsec 1.2.2, {ROW.unit} runs and is enabled, process 812"
    assert said["reads"] == ROW.config
    assert said["config"] == f"{ROW.config}: written by ntpjoin"
    assert said["drift"] == f"{ROW.drift}: the daemon's own"
    assert said["UDP 123"] == "held by ntpd (process 812)"
    assert "IPv4 gets in, IPv6 gets in" in said["firewall"]


@pytest.mark.parametrize(
    ("file", "words", "whose"),
    [
        (FileFact(b"x", 0o644, "root:root", stock=True), "the package's own", "package"),
        (FileFact(b"x", 0o644, "root:root"), "somebody's own", "operator"),
        (FileFact(b"", 0, "", plain=False), "not a plain file", "operator"),
    ],
)
def test_whose_the_configuration_is(file: FileFact, words: str, whose: str) -> None:
    one = detected(converged(files={ROW.config: file}))
    assert lines(one)["config"] == f"{ROW.config}: {words}"
    assert detection.page(one)["files"][0]["whose"] == whose


def test_a_daemon_that_is_held_back_is_told() -> None:
    held = Unit(ROW.unit, "loaded", "enabled", held=True)
    one = detected(converged(units={ROW.unit: held}, daemon=None), engine="ntpsec", version="1.2.2")
    assert "does not run and is enabled, held back until it is configured" in lines(one)["ntpd"]
    assert detection.page(one)["ntpd"]["held"] is True


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"system__container": "lxc", "system__may_set_clock": False}, "a container (lxc), may not set its clock"),
        ({"system__init": None}, "an init that is not known"),
    ],
)
def test_what_kind_of_machine_it_is(parts: dict[str, Any], words: str) -> None:
    assert words in lines(detected(fresh(**parts)))["machine"]
    assert "on bare metal" in lines(detected(fresh(), virtualisation="none"))["machine"]
    assert lines(detected(fresh(addresses=())))["addresses"] == "none of global scope"


def test_what_else_sets_the_clock_is_told() -> None:
    one = detected(fresh(setters=(Setter("ntpdate", "/etc/cron.daily/time", "remove it"),)))
    assert lines(one)["sets clock"] == "ntpdate (/etc/cron.daily/time)"
    assert detection.page(one)["setters"] == [
        {"what": "ntpdate", "where": "/etc/cron.daily/time", "remedy": "remove it"}
    ]


def test_a_daemon_of_another_file_is_told() -> None:
    other = Daemon(812, ("ntpd",), "/run/ntpsec/ntp.conf.dhcp", Billboard())
    page = detection.page(detected(converged(daemon=other)))
    assert page["ntpd"]["reads"] == "/run/ntpsec/ntp.conf.dhcp"
    assert page["machine"]["addresses"][0] == OWN4
