"""The first file of dist/ntpjoin.pyz (there it is __main__.py). It must parse on every Python 3 to say which one is needed."""

import os
import sys

if sys.version_info < (3, 9):
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(sys.stderr.write("ntpjoin: this needs Python 3.9 or newer, this is Python %s\n" % found) and 3)  # noqa: UP031

# The copy that `setup --monitor` makes may be taken away by a run of itself, or replaced while it runs: what is imported later is
# read through the open file. The number is one that no closed stdin, stdout or stderr leaves free.
if os.path.realpath(sys.path[0]) == "/usr/local/lib/ntpjoin/ntpjoin.pyz":
    import fcntl

    with open(sys.path[0], "rb") as archive:  # noqa: PTH123 - pathlib costs milliseconds
        sys.path[0] = "/proc/self/fd/%d" % fcntl.fcntl(archive, fcntl.F_DUPFD_CLOEXEC, 3)  # noqa: UP031

# Beside the sources lies a compiled copy for the Python that made the archive: half of the time to start is compiling.
sys.path.insert(0, sys.path[0] + "/" + str(sys.implementation.cache_tag))

from ntpjoin.cli import main

main()
