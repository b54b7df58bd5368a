"""The files that a set-up writes, as they are now, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Optional

from ntpjoin.errors import StepFailed
from ntpjoin.facts import FileFact
from ntpjoin.host.machine import Host
from ntpjoin.host.packages.manager import digest, manager
from ntpjoin.systems import Row


def look_files(
    host: Host, row: Row, paths: Sequence[str], written: Mapping[str, tuple[str, ...]]
) -> dict[str, Optional[FileFact]]:
    """Each path with its file, None where there is none. `written` has what earlier runs of ours wrote there."""
    found = {path: look_file(host, path, written.get(path, ())) for path in paths}
    # Only of these it is asked whose they are, and a package manager takes its time.
    foreign = [path for path in (row.config, row.include) if _may_be_stock(found.get(path))]
    stock = manager(row.manager).conffiles(host, row.packages) if foreign else {}
    for path in foreign:
        file, brought = found[path], stock.get(path)
        if file and brought and digest(file.content, brought) == brought:
            found[path] = replace(file, stock=True)
    return found


def _may_be_stock(file: Optional[FileFact]) -> bool:
    return file is not None and file.plain and not file.unseen and not file.ours


def look_file(host: Host, path: str, written: tuple[str, ...]) -> Optional[FileFact]:
    """One file, whoever brought it; None where there is none."""
    try:
        state = host.state(path)
    except StepFailed:
        return FileFact(b"", 0, "", plain=False)
    except PermissionError:
        return FileFact(b"", 0, "", unseen=True)
    if state is None:
        return None
    return FileFact(
        content=state.content,
        mode=state.mode,
        owner=state.owner,
        ours=any(state.content == content.encode() for content in written),
    )


def leapfile_valid(text: str) -> bool:
    """Whether a leap-seconds.list has the hash that its own #h line tells (NIST's format: SHA-1 over the digits).

    ntpd complains of a file without a valid hash and does not use it.
    """
    digits, told = "", ""
    for line in text.splitlines():
        if line.startswith(("#$", "#@")):
            digits += "".join(line[2:].split())
        elif line.startswith("#h"):
            told = "".join(word.rjust(8, "0") for word in line[2:].split())
        elif line and not line.startswith("#"):
            digits += "".join(line.partition("#")[0].split())
    return bool(told) and _sha1(digits.encode()) == told


def _sha1(content: bytes) -> str:
    """In hexadecimal digits, by what hashlib falls back on: hashlib itself loads OpenSSL, which takes a tenth of what click does."""
    try:
        from _sha1 import sha1  # type: ignore[import-not-found]  # noqa: PLC0415
    except ImportError:  # some distributions build Python without it
        from hashlib import sha1  # noqa: PLC0415
    return str(sha1(content, usedforsecurity=False).hexdigest())
