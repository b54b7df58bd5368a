"""The door itself: files, and through `programs` the programs. Every effect on this machine passes through a `Host`."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Callable, Optional

from ntpjoin.errors import CommandFailed, StepFailed, UsageProblem, shown
from ntpjoin.host import owners
from ntpjoin.host.programs import ENVIRONMENT, Completed, Programs, end_group
from ntpjoin.records import dataclass

#: A file being written lies beside its target under this ending until it is whole.
NEW = ".ntpjoin-new"

_SELINUX = "security.selinux"

#: No such file, none that can be read as one, or none that we may read: links in a circle, sockets, processes that have gone.
_NO_FILE = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EACCES,
        errno.EPERM,
        errno.ESRCH,
        errno.ELOOP,
        errno.ENXIO,
    }
)


@dataclass(frozen=True)
class FileState:
    """A file's bytes, mode, owner ("user:group") and SELinux context ("" without one)."""

    content: bytes
    mode: int
    owner: str
    context: str = ""


class Host(Programs):
    """This machine, or a captured tree of one below `root`. `trace` hears of every program that is started."""

    def __init__(self, trace: Callable[[str], None] = lambda _: None, root: Path = Path("/")) -> None:
        super().__init__(trace)
        self.root = root
        # What is asked hundreds of times in a look goes by text: pathlib takes three times as long.
        self._above = str(root).rstrip("/")

    # --- programs

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
            process = self.spawn(words, env, None, file, file)
        try:
            code = process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            end_group(process)
            raise CommandFailed(f"{shlex.join(words)} did not end within {timeout_s:g} s") from None
        return Completed(words, code, (self.read(log) or b"")[began:].decode(errors="replace"), "")

    def which(self, program: str) -> Optional[str]:
        """Where a program lies on the fixed search path."""
        for folder in ENVIRONMENT["PATH"].split(":"):
            if os.access(f"{self._above}{folder}/{program}", os.X_OK):
                return f"{folder}/{program}"
        return None

    # --- files

    def path(self, path: str) -> Path:
        """The place of an absolute path, below our root."""
        return self.root / path.lstrip("/")

    def exists(self, path: str) -> bool:
        """Whether something lies there."""
        return os.path.exists(f"{self._above}{path}")  # noqa: PTH110

    def read(self, path: str) -> Optional[bytes]:
        """The bytes of a file; None where there is no such file or it cannot be read."""
        try:
            with open(f"{self._above}{path}", "rb") as file:  # noqa: PTH123
                return file.read()
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
            return None

    def text(self, path: str) -> str:
        """A file as text, '' where there is none."""
        return (self.read(path) or b"").decode(errors="replace")

    def given(self, path: str, most: int) -> Optional[bytes]:
        """The bytes of a plain file that the operator wrote for us; None where there is none.

        UsageProblem where it cannot be read, is no plain file, or has more than `most` bytes.
        """
        place = self.path(path)
        try:
            if not stat.S_ISREG(place.stat().st_mode):
                raise UsageProblem(f"{shown(path)} is not a plain file", f"look at it: ls -l {shown(path)}")
            with place.open("rb") as file:
                content = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            why = error.strerror or "the system says no more"
            raise UsageProblem(f"{shown(path)} cannot be read: {why}", f"look at it: ls -l {shown(path)}") from error
        if len(content) > most:
            raise UsageProblem(f"{shown(path)} has more than {most} bytes", f"look at it: ls -l {shown(path)}")
        return content

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
            # An immutable file refuses root, too.
            look = f"lsattr -d {place.parent} {place}" if isinstance(error, PermissionError) else f"df {place.parent}"
            raise StepFailed(f"{path} could not be written: {why}", f"look at: {look}") from error

    def reserve(self, path: str, size: int) -> None:
        """Have a file that takes this much room, in bytes. Raises StepFailed where there is less."""
        try:
            with self.path(path).open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            self.path(path).unlink(missing_ok=True)
            text = f"{size >> 20} MB could not be set aside in {path}: {error.strerror}"
            raise StepFailed(text, f"make room; look at: df {path.rpartition('/')[0]}") from error

    def append(self, path: str, content: bytes) -> None:
        """Add to a log of ours; a log that cannot be written stops nothing."""
        with contextlib.suppress(OSError), self.path(path).open("ab") as file:
            file.write(content)

    def remove(self, path: str) -> None:
        """Take a file away, if it is there, with what a killed write left beside it. Raises StepFailed where that is refused."""
        self.remove_unfinished(path)
        _unlink(self.path(path), path)
        with contextlib.suppress(OSError):
            _sync_folder(self.path(path).parent)

    def remove_unfinished(self, path: str) -> None:
        """Take away what a killed write left beside a file."""
        _unlink(self.path(path + NEW), path + NEW)

    def make_folder(self, path: str, mode: int = 0o755) -> tuple[str, ...]:
        """Make a folder and those above it; returns the ones that were not there, outermost first. Raises StepFailed."""
        missing = [folder for folder in [Path(path), *Path(path).parents] if not self.exists(str(folder))]
        for folder in reversed(missing):
            self._make_one(folder, mode)
        return tuple(str(folder) for folder in reversed(missing))

    def _make_one(self, folder: Path, mode: int) -> None:
        try:
            self.path(str(folder)).mkdir(mode=mode)
            _sync_folder(self.path(str(folder)).parent)
        except OSError as error:
            raise StepFailed(f"{folder} could not be made: {error.strerror}", f"look at: df {folder.parent}") from error

    def remove_folder(self, path: str) -> bool:
        """Take an empty folder away; False where it is not empty or not there."""
        try:
            self.path(path).rmdir()
        except OSError:
            return False
        return True

    def names(self, path: str, *, strict: bool = False) -> tuple[str, ...]:
        """The names in a folder, sorted; none where there is no folder or it cannot be read: that, `strict` raises as StepFailed."""
        try:
            return tuple(sorted(os.listdir(f"{self._above}{path}")))  # noqa: PTH208
        except OSError as error:
            if strict and not isinstance(error, FileNotFoundError):
                raise StepFailed(f"{path} cannot be read: {error.strerror}", f"look at: ls -ld {path}") from error
            return ()

    def link_target(self, path: str) -> str:
        """Where a symbolic link points, '' where there is none or it may not be read."""
        try:
            return os.readlink(f"{self._above}{path}")  # noqa: PTH115
        except OSError:
            return ""

    def link(self, path: str, target: str) -> None:
        """Have a symbolic link there that points to `target`; what lies there already stays. Raises StepFailed."""
        try:
            self.path(path).symlink_to(target)
        except FileExistsError:
            return
        except OSError as error:
            raise StepFailed(
                f"{path} could not be made: {error.strerror}", f"look at: ls -ld {Path(path).parent}"
            ) from error

    def is_root(self) -> bool:
        """Whether we may change this machine."""
        return os.geteuid() == 0


def _unlink(place: Path, path: str) -> None:
    try:
        place.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StepFailed(f"{path} could not be removed: {error.strerror}", f"look at: lsattr -d {path}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
