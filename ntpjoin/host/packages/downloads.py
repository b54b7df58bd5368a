"""Files of packages, fetched into an empty folder of their own: a fetch may end at any moment, and then there is half a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Callable

from ntpjoin.errors import StepFailed
from ntpjoin.facts import Pinned
from ntpjoin.host.machine import Host

#: The path of a package's file, at its version, in a folder, '' where it is not there: as it lies there, or once it is fetched.
Find = Callable[[Host, Pinned, str], str]


def fetch(
    host: Host,
    packages: Sequence[Pinned],
    folders: Sequence[str],
    *,
    find: Find,
    download: Find,
    whole: Callable[[Host, str], bool],
) -> Mapping[str, str]:
    """The file of each package: one that lies whole in one of these folders, else fetched into the first; else it is left out."""
    found: dict[str, str] = {}
    for package in packages:
        there = (find(host, package, folder) for folder in folders)
        path = next((file for file in there if file and whole(host, file)), "")
        if not path:
            with _fresh_folder(host, folders[0]) as fresh:
                file = download(host, package, fresh)
                path = _take(host, file, folders[0]) if file and whole(host, file) else ""
        if path:
            found[package.name] = path
    return found


@contextlib.contextmanager
def _fresh_folder(host: Host, folder: str) -> Iterator[str]:
    """An empty folder below this one, gone again afterwards; what a fetch that was killed left in it is cleared away first."""
    fresh = f"{folder}/fetching"
    _clear(host, fresh)
    with contextlib.suppress(StepFailed):  # without root: then nothing can be fetched
        host.make_folder(fresh, 0o700)
    try:
        yield fresh
    finally:
        _clear(host, fresh)


def _take(host: Host, file: str, folder: str) -> str:
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
