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
    """The folder that `make` fills, made now if it is not there; older ones of that name are removed.

    It is filled under a temporary name and renamed, so that a build that was killed is never taken
    for a whole one; holding the lock, any temporary name that we see is a dead one.
    """
    final = folder() / f"{name}-{key(parts)}"
    with locked(name):
        for stale in folder().glob(f"{name}-*.partial"):
            shutil.rmtree(stale, ignore_errors=True)
        if final.is_dir():
            return final
        log(f"building the {name} image")
        partial = Path(tempfile.mkdtemp(prefix=f"{name}-", suffix=".partial", dir=folder()))
        try:
            partial.chmod(0o755)
            make(partial)
            os.sync()
            partial.rename(final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        for old in folder().glob(f"{name}-*"):
            if old.is_dir() and old != final:
                shutil.rmtree(old, ignore_errors=True)
    return final
