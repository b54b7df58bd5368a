"""The door: files are written whole or not at all, programs are ended in time and with all their children."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.errors import CommandFailed, Interrupted, StepFailed
from ntpjoin.host import machine, owners
from ntpjoin.host import programs as programs_module
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.reading import environment, processes
from tests.conftest import Programs


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(root=tmp_path / "root")


@pytest.fixture(autouse=True)
def _root(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()


def names(host: Host) -> list[str]:
    return sorted(path.name for path in host.root.iterdir())


# --- files


def test_a_file_gets_its_bytes_mode_and_owner(host: Host) -> None:
    owner = owners.name(os.geteuid(), os.getegid())
    host.write("/file", FileState(b"a\0b", 0o640, owner))
    found = host.state("/file")
    assert found is not None
    assert (found.content, found.mode, found.owner) == (b"a\0b", 0o640, owner)
    assert names(host) == ["file"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_the_mode_does_not_depend_on_the_umask(host: Host, mode: int) -> None:
    former = os.umask(0o077)
    try:
        host.write("/file", FileState(b"", mode, ""))
    finally:
        os.umask(former)
    assert stat.S_IMODE((host.root / "file").stat().st_mode) == mode


def test_the_owner_is_set(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _handle, uid, gid: set_to.append((uid, gid)))
    host.write("/named", FileState(b"", 0o644, "root:root"))
    host.write("/numbered", FileState(b"", 0o644, "4711:4712"))
    host.write("/nobodys", FileState(b"", 0o644, ""))
    assert set_to == [(0, 0), (4711, 4712)]


def test_an_owner_that_is_gone_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert owners.name(0, 0) == "root:root"
    assert owners.name(4_000_001, 4_000_002) == "4000001:4000002"
    del monkeypatch


@pytest.mark.parametrize("broken", ["fsync", "fchmod", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    host: Host, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    host.write("/file", FileState(b"old", 0o600, ""))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path if broken == "replace" else os, broken, full)
    with pytest.raises(StepFailed, match="/file could not be written: No space left on device") as caught:
        host.write("/file", FileState(b"new", 0o644, ""))
    assert str(host.root) in caught.value.remedy
    monkeypatch.undo()
    assert (host.root / "file").read_bytes() == b"old"
    assert stat.S_IMODE((host.root / "file").stat().st_mode) == 0o600
    assert names(host) == ["file"]


def test_a_file_that_nobody_may_change_is_told_so(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def immutable(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", immutable)
    with pytest.raises(StepFailed, match="/file could not be written: Operation not permitted") as caught:
        host.write("/file", FileState(b"new", 0o644, ""))
    assert caught.value.remedy.startswith("look at: lsattr -d ")


def test_what_a_killed_write_left_is_overwritten_and_removed_with_the_file(host: Host) -> None:
    (host.root / f"file{machine.NEW}").write_text("half")
    host.write("/file", FileState(b"whole", 0o644, ""))
    assert names(host) == ["file"]
    (host.root / f"file{machine.NEW}").write_text("half")
    host.remove("/file")
    host.remove("/file")
    host.remove("/nowhere/file")
    assert names(host) == []


def test_a_file_is_synced_before_it_gets_its_name(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        real_sync(handle)

    def rename(self: Path, target: Any) -> Path:
        order.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    host.write("/file", FileState(b"x", 0o644, ""))
    assert order == ["file", "rename", "folder"]


def test_a_write_to_a_missing_folder_is_a_failed_step(host: Host) -> None:
    with pytest.raises(StepFailed, match="No such file"):
        host.write("/none/file", FileState(b"", 0o644, ""))


def test_a_link_or_a_folder_is_not_taken_for_a_file(host: Host) -> None:
    (host.root / "target").write_text("x")
    (host.root / "link").symlink_to("target")
    for name in ("/link", "/"):
        with pytest.raises(StepFailed, match="is not a plain file"):
            host.state(name)
    assert host.state("/none") is None
    assert host.state("/target/below") is None


def test_what_cannot_be_read_is_none(host: Host) -> None:
    (host.root / "file").write_text("x")
    assert host.read("/none") is None
    assert host.read("/file/below") is None
    assert host.read("/") is None
    (host.root / "round").symlink_to("round")
    assert host.read("/round") is None
    assert host.text("/none") == ""
    assert host.names("/none") == ()
    assert host.link_target("/file") == ""


def test_text_that_is_not_utf_8_is_read_all_the_same(host: Host) -> None:
    (host.root / "file").write_bytes(b"caf\xe9")
    assert host.text("/file") == "caf\ufffd"


def test_folders_are_made_with_their_parents_and_told(host: Host) -> None:
    assert host.make_folder("/a/b/c", 0o700) == ("/a", "/a/b", "/a/b/c")
    assert host.make_folder("/a/b/d") == ("/a/b/d",)
    assert host.make_folder("/a/b/d") == ()
    assert stat.S_IMODE((host.root / "a/b/c").stat().st_mode) == 0o700


def test_what_the_disk_refuses_is_a_failed_step(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    host.write("/file", FileState(b"", 0o644, ""))
    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StepFailed, match="/folder could not be made: Read-only file system"):
        host.make_folder("/folder/below")
    with pytest.raises(StepFailed, match=r"/file\.ntpjoin-new could not be removed: Read-only file system"):
        host.remove("/file")


def test_only_an_empty_folder_is_removed(host: Host) -> None:
    host.make_folder("/a/b")
    assert not host.remove_folder("/a")
    assert host.remove_folder("/a/b")
    assert host.remove_folder("/a")
    assert not host.remove_folder("/a")


def test_a_log_that_cannot_be_written_stops_nothing(host: Host) -> None:
    host.append("/none/log", b"x")
    host.append("/log", b"x")
    host.append("/log", b"y")
    assert (host.root / "log").read_bytes() == b"xy"


# --- programs


def test_a_program_that_is_missing_is_told(host: Host, programs: Programs) -> None:
    del programs
    with pytest.raises(CommandFailed, match="ufw is not installed here"):
        host.run(["ufw", "status"])
    said = host.run(["ufw", "status"], check=False)
    assert (said.code, said.out, said.said) == (127, "", "ufw is not installed here")


STARTS: dict[str, Callable[[Host], object]] = {
    "run": lambda host: host.run(["ufw"]),
    "start": lambda host: host.start(["ufw"]),
    "run_logged": lambda host: host.run_logged(["ufw"], "/log", timeout_s=1),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_program_that_may_not_be_run_is_told(host: Host, programs: Programs, start: Callable[[Host], object]) -> None:
    (programs.folder / "ufw").write_text("#!/bin/sh\n")
    with pytest.raises(CommandFailed, match="ufw cannot be run: Permission denied"):
        start(host)
    assert host.run(["ufw"], check=False).code == 127


def test_a_folder_that_is_gone_is_told_and_not_the_program(host: Host, programs: Programs, tmp_path: Path) -> None:
    programs.says("apt-get")
    gone = str(tmp_path / "gone")
    with pytest.raises(CommandFailed, match=f"apt-get cannot be run in {gone}: No such file"):
        host.run(["apt-get"], cwd=gone)
    assert host.run(["apt-get"], cwd=gone, check=False).code == 127
    assert host.run(["apt-get"], cwd=str(tmp_path)).code == 0


def test_an_interruption_ends_the_program_and_its_children(
    host: Host, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids, waiting = tmp_path / "pids", tmp_path / "waiting"
    wait = subprocess.Popen.communicate

    def communicate(process: Any, *words: Any, **options: Any) -> Any:
        waiting.touch()
        return wait(process, *words, **options)

    monkeypatch.setattr(subprocess.Popen, "communicate", communicate)
    until = f"until [ -e {waiting} ]; do /bin/sleep 0.01; done"
    programs.add("slow", f"/bin/sleep 60 & echo $! > {pids}\necho $$ >> {pids}\n{until}\nkill -INT {os.getpid()}\nwait")
    with Interrupts(), pytest.raises(Interrupted):
        host.run(["slow"])
    for pid in pids.read_text().split():
        assert _is_gone(int(pid))


def test_the_exit_code_and_the_last_words_are_told(host: Host, programs: Programs) -> None:
    programs.says("apt-get", "talk\n", err="1\n\n2\n3\n4\n5\n", code=100)
    with pytest.raises(CommandFailed) as caught:
        host.run(["apt-get", "install", "a b"])
    assert caught.value.message == "apt-get install 'a b' ended with exit code 100:\n2\n3\n4\n5"
    assert host.run(["apt-get"], check=False).code == 100


def test_a_program_that_says_nothing_on_stderr_is_quoted_from_stdout(host: Host, programs: Programs) -> None:
    programs.says("ufw", "ERROR: no\n", code=1)
    assert host.run(["ufw"], check=False).said == "ERROR: no"


def test_a_time_limit_ends_the_program_and_its_children(host: Host, programs: Programs, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    programs.add("slow", f"/bin/sleep 60 & echo $! > {pids}\necho $$ >> {pids}\nwait")
    began = time.monotonic()
    with pytest.raises(CommandFailed, match=r"slow did not end within 0\.3 s"):
        host.run(["slow"], timeout_s=0.3)
    assert time.monotonic() - began < 5
    for pid in pids.read_text().split():
        assert _is_gone(int(pid))


def _is_gone(pid: int) -> bool:
    """Ended, or ended and not yet collected by the init of this machine."""
    for _ in range(100):
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True
        if status.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_stdin_is_closed(host: Host, programs: Programs) -> None:
    programs.add("reader", 'read line; echo "code $?, line <$line>"')
    ours, (end, start) = os.dup(0), os.pipe()
    try:
        os.write(start, b"typed\n")
        os.dup2(end, 0)
        assert host.run(["reader"], timeout_s=5).out == "code 1, line <>\n"
    finally:
        os.dup2(ours, 0)
        for handle in (ours, end, start):
            os.close(handle)


def test_the_environment_is_fixed(host: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD_TEST", "x")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    programs.add("env", "exec /usr/bin/env")
    seen = environment(host.run(["env"], env={"DEBIAN_FRONTEND": "noninteractive"}).out)
    assert seen["LC_ALL"] == "C"
    assert seen["PATH"] == str(programs.folder)
    assert seen["DEBIAN_FRONTEND"] == "noninteractive"
    assert "LD_PRELOAD_TEST" not in seen


def test_the_search_path_is_the_systems_own() -> None:
    assert programs_module.ENVIRONMENT["PATH"] == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_a_program_has_a_session_of_its_own(host: Host, programs: Programs) -> None:
    programs.add("session", "read -r line < /proc/self/stat; echo $line")
    fields = host.run(["session"]).out.rpartition(")")[2].split()
    assert int(fields[3]) != os.getsid(0)


def test_arguments_reach_the_program_as_they_are(host: Host, programs: Programs) -> None:
    programs.add("args", 'for one in "$@"; do echo "<$one>"; done')
    assert host.run(["args", "a b", "$(id)", ";", "*"]).out == "<a b>\n<$(id)>\n<;>\n<*>\n"


def test_output_that_is_not_utf_8_does_not_hurt(host: Host, programs: Programs) -> None:
    programs.add("raw", "printf 'caf\\351\\n'")
    assert host.run(["raw"]).out == "caf\ufffd\n"


def test_a_log_gets_everything_and_the_exit_code(host: Host, programs: Programs) -> None:
    programs.says("dpkg", "out\n", err="err\n", code=2)
    said = host.run_logged(["dpkg", "--configure", "-a"], "/log", timeout_s=10)
    assert (host.root / "log").read_text() == "$ dpkg --configure -a\nout\nerr\n"
    assert (said.code, said.out) == (2, "out\nerr\n")
    assert host.run_logged(["dpkg", "--audit"], "/log", timeout_s=10).out == "out\nerr\n"


def test_where_no_log_can_be_written_the_program_runs_all_the_same(host: Host, programs: Programs) -> None:
    programs.says("dpkg", "out\n")
    assert host.run_logged(["dpkg", "-C"], "/no/folder/log", timeout_s=10).out == "out\n"


def test_what_a_daemon_has_planted_in_its_folder_is_not_followed(host: Host) -> None:
    (host.root / "shadow").write_text("secret")
    (host.root / f"ntp.drift{machine.NEW}").symlink_to(host.root / "shadow")
    host.write("/ntp.drift", FileState(b"0.000\n", 0o644, ""))
    assert (host.root / "shadow").read_text() == "secret"
    assert not (host.root / "ntp.drift").is_symlink()


def test_every_program_is_traced(programs: Programs, tmp_path: Path) -> None:
    programs.says("ufw")
    seen: list[str] = []
    Host(seen.append, tmp_path).run(["ufw", "allow", "123/udp"])
    assert seen == ["ufw allow 123/udp"]


def test_a_program_is_looked_for_below_the_root(host: Host) -> None:
    assert host.which("ufw") is None
    host.make_folder("/usr/sbin")
    host.write("/usr/sbin/ufw", FileState(b"", 0o644, ""))
    assert host.which("ufw") is None
    host.write("/usr/sbin/ufw", FileState(b"", 0o755, ""))
    assert host.which("ufw") == "/usr/sbin/ufw"


def test_processes_are_read_with_their_words(host: Host) -> None:
    for pid, line in (("1", b"/sbin/init\0"), ("2", b""), ("77", b"ntpd\0-c\0/etc/a b\0"), ("self", b"x\0")):
        host.make_folder(f"/proc/{pid}")
        host.write(f"/proc/{pid}/cmdline", FileState(line, 0o644, ""))
    assert dict(processes(host)) == {1: ("/sbin/init",), 77: ("ntpd", "-c", "/etc/a b")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1\nB='two words'\n", {"A": "1", "B": "two words"}),
        ('A="x" # why\n#B=1\n\nC=\n', {"A": "x", "C": ""}),
        ("A='unbalanced\nB=2", {"B": "2"}),
        ("1A=x\nA B=y\nno sign", {}),
    ],
)
def test_lines_of_key_and_value_are_read(text: str, found: dict[str, str]) -> None:
    assert environment(text) == found
