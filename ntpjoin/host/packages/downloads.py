"""Files of packages, fetched into an empty folder of their own: a fetch may end at any moment, and then there is half a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ntpjoin.errors import StepFailed
from ntpjoin.host.machine import Host


@contextlib.contextmanager
def fresh_folder(host: Host, folder: str) -> Iterator[str]:
    """An empty folder below this one, gone again afterwards; what a fetch that was killed left in it is cleared away first."""
    fresh = f"{folder}/fetching"
    _clear(host, fresh)
    with contextlib.suppress(StepFailed):  # without root: then nothing can be fetched
        host.make_folder(fresh, 0o700)
    try:
        yield fresh
    finally:
        _clear(host, fresh)


def take(host: Host, file: str, folder: str) -> str:
    """Move a whole file into the folder where it is looked for; returns its path there, '' where that is refused."""
    path = f"{folder}/{file.rpartition('/')[2]}"
    try:
        host.path(file).replace(host.path(path))
    except OSError:
        return ""
    return path


def _clear(host: Host, folder: str) -> None:
    for name in host.names(folder):
        path = f"{folder}/{name}"
        if host.path(path).is_dir() and not host.path(path).is_symlink():
            _clear(host, path)
        else:
            with contextlib.suppress(StepFailed):
                host.remove(path)
    host.remove_folder(folder)
