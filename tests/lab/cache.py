"""A folder of built things, each named by a hash of what made it; never half valid."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.process import Log

#: The images that this process uses, each by an open handle with a shared lock.
_held: dict[Path, int] = {}


def folder() -> Path:
    """Where images lie; NTPJOIN_LAB_CACHE overrides."""
    named = os.environ.get("NTPJOIN_LAB_CACHE")
    if named:
        return Path(named).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "ntpjoin-lab"


def key(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one builder of a name at a time; the kernel drops the lock with the process."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def built(name: str, parts: Sequence[str], make: Callable[[Path], None], log: Log) -> Path:
    """The folder that `make` fills, made now if it is not there; older ones of that name are removed, unless somebody uses them.

    It is filled under a temporary name and renamed, so that a build that was killed is never taken
    for a whole one; holding the lock, any temporary name that we see is a dead one.
    """
    final = folder() / f"{name}-{key(parts)}"
    with locked(name):
        for stale in folder().glob(f"{name}-*.partial"):
            shutil.rmtree(stale, ignore_errors=True)
        if final.is_dir():
            return held(final)
        log(f"building the {name} image")
        partial = Path(tempfile.mkdtemp(prefix=f"{name}-", suffix=".partial", dir=folder()))
        try:
            partial.chmod(0o755)
            make(partial)
            os.sync()
            partial.rename(final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        held(final)
        for old in folder().glob(f"{name}-*"):
            if old.is_dir() and old != final and not in_use(old):
                shutil.rmtree(old, ignore_errors=True)
    return final


def held(image: Path) -> Path:
    """The same, and it stays as long as this process lives."""
    if image not in _held:
        _held[image] = os.open(image, os.O_RDONLY)
        fcntl.flock(_held[image], fcntl.LOCK_SH)
    return image


def in_use(image: Path) -> bool:
    """Whether a process that lives holds it, another checkout's for one."""
    handle = os.open(image, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
