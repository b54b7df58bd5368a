"""Runs ntpjoin on a server and kills it, as the kernel would, when the journal has been written so many times.

    python3 killer.py COUNT ARGUMENT…

The boundary between two journal entries is right behind such a write. Nothing else is changed: this is the program itself.
"""

from __future__ import annotations

import os
import signal
import sys

sys.path.insert(0, "/usr/local/bin/ntpjoin")

from ntpjoin.cli import main
from ntpjoin.host.journal import Journal

left = int(sys.argv.pop(1))
write = Journal._write


def counted(self: Journal, path: str, page: dict[str, object]) -> None:
    global left  # noqa: PLW0603
    write(self, path, page)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


Journal._write = counted  # type: ignore[method-assign]
main()
