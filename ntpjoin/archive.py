"""The first file of dist/ntpjoin.pyz (there it is __main__.py). It must parse on every Python 3 to say which one is needed."""

import sys

if sys.version_info < (3, 9):
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(sys.stderr.write("ntpjoin: this needs Python 3.9 or newer, this is Python %s\n" % found) and 3)  # noqa: UP031

# Beside the sources lies a compiled copy for the Python that made the archive: half of the time to start is compiling.
sys.path.insert(0, sys.path[0] + "/" + str(sys.implementation.cache_tag))

from ntpjoin.cli import main

main()
