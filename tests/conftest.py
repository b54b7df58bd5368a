"""No fast test may run a program or leave this machine unless it says so: what would is an error, wherever it is called from."""

from __future__ import annotations

import ipaddress
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import pytest

from ntpjoin.host import owners
from ntpjoin.host import programs as programs_module
from ntpjoin.host.machine import FileState, Host
from ntpjoin.provision.changes import Site

if TYPE_CHECKING:
    import trustme

    from tests.typed import Typed

_SLOW = (Path(__file__).parent / "real", Path(__file__).parent / "lab")

_PROGRAMS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn"}
)
_PACKETS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_NAMES = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})

#: A shell starts what it runs in the background with SIGINT ignored, nohup(1) with SIGHUP: signals that these tests send.
for _sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_sign) is signal.SIG_IGN:
        signal.signal(_sign, signal.default_int_handler if _sign is signal.SIGINT else signal.SIG_DFL)


class Guard:
    """Hears of everything the interpreter is about to do (PEP 578). It cannot be removed again, so it is switched."""

    def __init__(self) -> None:
        self.on = False
        self.programs_allowed = False
        self.caught: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on:
            forbidden = self._forbidden(event, arguments)
            if forbidden:
                self.caught.append(forbidden)
                pytest.fail(forbidden)

    def _forbidden(self, event: str, arguments: tuple[Any, ...]) -> str:
        if event in _PROGRAMS and not self.programs_allowed:
            return f"a fast test runs a program without asking for real_programs: {event} {arguments[:2]}"
        if event in _PACKETS and not _stays_here(arguments[1]):
            return f"a fast test sends packets: {event} {arguments[1]}"
        if event in _NAMES and not _is_local(arguments[0]):
            return f"a fast test resolves a name: {arguments[0]}"
        return ""


def _stays_here(target: Any) -> bool:
    """A Unix socket's path, or a loopback address; None: the socket was connected before."""
    return not isinstance(target, tuple) or _is_local(target[0])


def _is_local(host: Any) -> bool:
    text = host.decode() if isinstance(host, bytes) else host
    if text in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


guard = Guard()
sys.addaudithook(guard)


@pytest.fixture(autouse=True)
def guarded(request: pytest.FixtureRequest) -> Iterator[Guard]:
    """The guard is up for every test but those on real hosts; what it caught fails the test, were the error swallowed."""
    if any(folder in request.path.parents for folder in _SLOW):
        yield guard
        return
    guard.caught.clear()
    guard.programs_allowed = "real_programs" in request.fixturenames
    guard.on = True
    try:
        yield guard
    finally:
        guard.on = False
    if guard.caught:
        pytest.fail("; ".join(guard.caught))


@pytest.fixture
def real_programs() -> None:
    """The test may run programs."""


class Programs:
    """A search path of our own, with small scripts that stand for the system's programs and note how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._calls = folder / ".calls"

    def add(self, name: str, script: str) -> None:
        """A program that is this shell script; its call is noted first."""
        place = self.folder / name
        note = f'printf "%s\\n" "{name} $*" >> {shlex.quote(str(self._calls))}\n'
        place.write_text(f"#!/bin/sh\n{note}{script}\n")
        place.chmod(0o755)

    def says(self, name: str, out: str = "", *, err: str = "", code: int = 0) -> None:
        """A program that always says the same."""
        said = self.folder / f".{name}"
        said.with_suffix(".out").write_text(out)
        said.with_suffix(".err").write_text(err)
        pour = f"/bin/cat {shlex.quote(str(said.with_suffix('.out')))}\n/bin/cat {shlex.quote(str(said.with_suffix('.err')))} >&2\n"
        self.add(name, f"{pour}exit {code}")

    def calls(self, name: Optional[str] = None) -> list[str]:
        """How they were called, in order."""
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        return [line for line in lines if line.strip() and name in (None, line.split()[0])]


@pytest.fixture
def tree(tmp_path: Path, programs: Programs) -> Host:
    """A host in a tree of its own, whose search path holds what the test adds."""
    root = tmp_path / "root"
    place = root / programs_module.ENVIRONMENT["PATH"].lstrip("/")
    place.parent.mkdir(parents=True)
    place.symlink_to(programs.folder)
    return Host(root=root)


def put(host: Host, path: str, text: str) -> None:
    """Lay a file into a tree, with the folders above it."""
    host.make_folder(str(Path(path).parent))
    host.write(path, FileState(text.encode(), 0o644, ""))


@pytest.fixture
def programs(real_programs: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Programs by name are those of the test, and no others."""
    del real_programs
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setitem(programs_module.ENVIRONMENT, "PATH", str(folder))
    return Programs(folder)


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
    """The only way to a unit there is in the test."""
    return Systemd(programs)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """The program as it is typed, with nobody at a terminal."""
    from tests.typed import Typed

    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    return Typed(monkeypatch, capsys)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A host in a tree of its own, where changes are made and taken back; whoever owns a file, it is root."""
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/run/systemd/system").mkdir(parents=True)
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    monkeypatch.setattr(owners, "name", lambda *_: "root:root")
    return Site(Host(root=tmp_path / "root"), "/run")


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Signs certificates of web servers; nobody knows it but who is told."""
    import trustme

    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA) -> trustme.LeafCert:
    """That of the loopback address."""
    return authority.issue_cert("localhost", "127.0.0.1", "::1")


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The authority is known in this test, as an operator makes one known: by this file."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file
