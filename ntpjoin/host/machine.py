"""The door itself: run a program, read and write a file. Every effect on this machine passes through a `Host`."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

from ntpjoin.errors import CommandFailed, StepFailed
from ntpjoin.host import owners

#: A fixed search path and language: what a program says is read by us, not by the user.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}

#: A file being written lies beside its target under this ending until it is whole.
NEW = ".ntpjoin-new"

_SELINUX = "security.selinux"


@dataclass(frozen=True)
class Completed:
    """A program that ended: its exit code and what it said, as text."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The last words of it, for a message: at most four lines, errors first."""
        lines = [line for line in (self.err.strip() or self.out.strip()).splitlines() if line.strip()]
        return "\n".join(lines[-4:])


@dataclass(frozen=True)
class FileState:
    """A file's bytes, mode, owner ("user:group") and SELinux context ("" without one)."""

    content: bytes
    mode: int
    owner: str
    context: str = ""


class Host:
    """This machine, or a captured tree of one below `root`. `trace` hears of every program that is started."""

    def __init__(self, trace: Callable[[str], None] = lambda _: None, root: Path = Path("/")) -> None:
        self.trace = trace
        self.root = root

    # --- programs

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 30,
        check: bool = True,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
    ) -> Completed:
        """Run a program to its end, in a session of its own so that no Ctrl-C of ours reaches it.

        Raises CommandFailed when it is missing, runs out of time, or
        (with `check`) ends with anything but 0.
        """
        words = tuple(argv)
        try:
            with self.start(words, env=env, cwd=cwd) as process:
                try:
                    out, err = process.communicate(timeout=timeout_s)
                except subprocess.TimeoutExpired:
                    _end_group(process)
                    raise CommandFailed(f"{shlex.join(words)} did not end within {timeout_s:g} s") from None
        except FileNotFoundError:
            if check:
                raise CommandFailed(f"{words[0]} is not installed here") from None
            return Completed(words, 127, "", f"{words[0]} is not installed here")
        done = Completed(words, process.returncode, out, err)
        if check and done.code != 0:
            raise CommandFailed(f"{shlex.join(words)} ended with exit code {done.code}:\n{done.said}")
        return done

    def run_logged(
        self, argv: Sequence[str], log: str, *, timeout_s: float, env: Optional[Mapping[str, str]] = None
    ) -> Completed:
        """Run a program that must not be disturbed: all it says goes to the end of a file, and from there into the result.

        A pipe would end with us, and the next word would kill a package manager half way. Raises CommandFailed as `run`,
        but leaves the exit code to the caller.
        """
        words = tuple(argv)
        self.append(log, f"$ {shlex.join(words)}\n".encode())
        try:
            file = self.path(log).open("ab")
        except OSError:  # a full disk must not keep us from taking things back
            return self.run(argv, timeout_s=timeout_s, env=env, check=False)
        with file:
            began = file.tell()
            process = self._popen(words, env, None, file, file)
        try:
            code = process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _end_group(process)
            raise CommandFailed(f"{shlex.join(words)} did not end within {timeout_s:g} s") from None
        return Completed(words, code, (self.read(log) or b"")[began:].decode(errors="replace"), "")

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        merge: bool = False,
    ) -> subprocess.Popen[str]:
        """Start a program whose output is piped to us, with `merge` in one pipe; the caller ends it."""
        return self._popen(argv, env, cwd, subprocess.PIPE, subprocess.STDOUT if merge else subprocess.PIPE)

    def _popen(
        self, argv: Sequence[str], env: Optional[Mapping[str, str]], cwd: Optional[str], out: Any, err: Any
    ) -> subprocess.Popen[str]:
        self.trace(shlex.join(argv))
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**ENVIRONMENT, **(env or {})},
            cwd=cwd,
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )

    def which(self, program: str) -> Optional[str]:
        """Where a program lies on the fixed search path."""
        for folder in ENVIRONMENT["PATH"].split(":"):
            if os.access(self.path(f"{folder}/{program}"), os.X_OK):
                return f"{folder}/{program}"
        return None

    # --- files

    def path(self, path: str) -> Path:
        """The place of an absolute path, below our root."""
        return self.root / path.lstrip("/")

    def exists(self, path: str) -> bool:
        """Whether something lies there."""
        return self.path(path).exists()

    def read(self, path: str) -> Optional[bytes]:
        """The bytes of a file; None where there is no such file or it may not be read."""
        try:
            return self.path(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, PermissionError, IsADirectoryError, ProcessLookupError):
            return None

    def text(self, path: str) -> str:
        """A file as text, '' where there is none."""
        return (self.read(path) or b"").decode(errors="replace")

    def state(self, path: str) -> Optional[FileState]:
        """A file with mode, owner and context; None where there is none. Follows no link."""
        place = self.path(path)
        try:
            info = place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(info.st_mode):
            raise StepFailed(f"{path} is not a plain file", f"look at it: ls -l {path}")
        context = ""
        with contextlib.suppress(OSError):
            context = os.getxattr(place, _SELINUX).rstrip(b"\0").decode()
        return FileState(place.read_bytes(), stat.S_IMODE(info.st_mode), owners.name(info.st_uid, info.st_gid), context)

    def write(self, path: str, state: FileState) -> None:
        """Put a whole file in place: written beside it, synced, renamed. Nobody ever sees half of it."""
        place = self.path(path)
        beside = place.with_name(place.name + NEW)
        try:
            # The folder may be a daemon's own: what it has planted there under our name must not be followed.
            beside.unlink(missing_ok=True)
            fresh = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(beside, fresh, 0o600), "wb") as file:  # noqa: PTH123 - Path.open takes no flags
                os.fchmod(file.fileno(), state.mode)
                if state.owner:
                    os.fchown(file.fileno(), *owners.ids(state.owner))
                if state.context:
                    with contextlib.suppress(OSError):
                        os.setxattr(file.fileno(), _SELINUX, state.context.encode())
                file.write(state.content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(place)
            _sync_folder(place.parent)
        except (OSError, KeyError) as error:
            with contextlib.suppress(OSError):
                beside.unlink()
            why = error.strerror if isinstance(error, OSError) else f"there is no {state.owner}"
            raise StepFailed(f"{path} could not be written: {why}", f"look at: df {place.parent}") from error

    def append(self, path: str, content: bytes) -> None:
        """Add to a log of ours; a log that cannot be written stops nothing."""
        with contextlib.suppress(OSError), self.path(path).open("ab") as file:
            file.write(content)

    def remove(self, path: str) -> None:
        """Take a file away, if it is there, with what a killed write left beside it."""
        self.remove_unfinished(path)
        place = self.path(path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            place.unlink()
        with contextlib.suppress(OSError):
            _sync_folder(place.parent)

    def remove_unfinished(self, path: str) -> None:
        """Take away what a killed write left beside a file."""
        place = self.path(path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            place.with_name(place.name + NEW).unlink()

    def make_folder(self, path: str, mode: int = 0o755) -> tuple[str, ...]:
        """Make a folder and those above it; returns the ones that were not there, outermost first."""
        missing = [folder for folder in [Path(path), *Path(path).parents] if not self.exists(str(folder))]
        for folder in reversed(missing):
            self.path(str(folder)).mkdir(mode=mode)
            _sync_folder(self.path(str(folder)).parent)
        return tuple(str(folder) for folder in reversed(missing))

    def remove_folder(self, path: str) -> bool:
        """Take an empty folder away; False where it is not empty or not there."""
        try:
            self.path(path).rmdir()
        except OSError:
            return False
        return True

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a folder, sorted; none where there is no folder or it may not be read."""
        try:
            return tuple(sorted(entry.name for entry in self.path(path).iterdir()))
        except OSError:
            return ()

    def link_target(self, path: str) -> str:
        """Where a symbolic link points, '' where there is none or it may not be read."""
        try:
            return str(self.path(path).readlink())
        except OSError:
            return ""

    def is_root(self) -> bool:
        """Whether we may change this machine."""
        return os.geteuid() == 0


def _end_group(process: subprocess.Popen[Any]) -> None:
    """End a program of ours and its children; they share its session."""
    for sign, patience_s in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=patience_s)
            return


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
