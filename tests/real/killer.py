"""Runs ntpjoin on a server and ends it, as the kernel would, when the journal has been written so many times.

    python3 killer.py kill COUNT ARGUMENT…
    python3 killer.py stop COUNT,COUNT,… ARGUMENT…

The boundary between two journal entries is right behind such a write. `stop` halts the process at each of these boundaries, until
somebody lets it go on or kills it. Nothing else is changed: this is the program itself.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, "/usr/local/bin/ntpjoin")

from ntpjoin.cli import main
from ntpjoin.host.journal import Journal

#: Holds the process id, and the number of the boundary that was reached.
STATE = Path("/run/killer")

#: Where this is, nothing is halted any more.
FREE = Path("/run/killer.free")

# The shell that started us in the background has us ignore Ctrl-C, and ntpjoin heeds that.
signal.signal(signal.SIGINT, signal.default_int_handler)

how, boundaries = sys.argv.pop(1), {int(word) for word in sys.argv.pop(1).split(",")}
sign = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[how]
write = Journal._write
count = 0


def counted(self: Journal, path: str, page: dict[str, object]) -> None:
    global count  # noqa: PLW0603
    write(self, path, page)
    count += 1
    if count in boundaries and not FREE.exists():
        STATE.write_text(f"{os.getpid()} {count}")
        os.kill(os.getpid(), sign)


Journal._write = counted  # type: ignore[method-assign]
main()
