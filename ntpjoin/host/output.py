"""An answer that is to lie in a file: whether it can, before anything is asked for it, and writing it whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import PurePath

from ntpjoin.errors import Blocked, StepFailed, UsageProblem, shown
from ntpjoin.host.machine import FileState, Host


def takes(host: Host, path: str, option: str = "--output") -> None:
    """Raises UsageProblem where no plain file can be put there: its folder is missing or closed to us, or something else is there.

    `option` is what named it. It is renamed into place, so a link would be replaced and a device would not be written to.
    """
    folder, place = str(PurePath(path).parent), host.path(path)
    if not host.path(folder).is_dir():
        raise UsageProblem(
            f"{shown(path)} cannot be written: there is no folder {shown(folder)}", "make it, or name another file"
        )
    if not os.access(host.path(folder), os.W_OK | os.X_OK):
        look = f"look at: ls -ld {shown(folder)}; findmnt -T {shown(folder)}"
        raise UsageProblem(f"{shown(path)} cannot be written: nothing may be put into its folder", look)
    if os.path.lexists(place) and not stat.S_ISREG(place.lstat().st_mode):
        remedy = f"name another one for {option}" + ("; for stdout leave it out" if option == "--output" else "")
        raise UsageProblem(f"{shown(path)} is not a plain file", remedy)


def write(host: Host, path: str, text: str) -> None:
    """Put it there, for all to read. Raises Blocked where that is refused after all; what was there before is there still."""
    try:
        host.write(path, FileState(text.encode(errors="replace"), 0o644, ""))
    except StepFailed as error:
        raise Blocked(error.message, error.remedy) from error
