"""The first file of dist/ntpjoin.pyz (there it is __main__.py). It must parse on every Python to say which one is needed."""

import os
import sys
import zipimport

if sys.version_info < (3, 9):
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.stderr.write("ntpjoin: this needs Python 3.9 or newer, this is Python %s\n" % found)  # noqa: UP031
    sys.exit(3)

# The copy that `setup --monitor` makes may be taken away by a run of itself, or replaced while it runs: what is imported later is
# read through the open file. The number is one that no closed stdin, stdout or stderr leaves free.
if os.path.realpath(sys.path[0]) == "/usr/local/lib/ntpjoin/ntpjoin.pyz":
    import fcntl

    with open(sys.path[0], "rb") as archive:  # noqa: PTH123 - pathlib costs milliseconds
        sys.path[0] = "/proc/self/fd/%d" % fcntl.fcntl(archive, fcntl.F_DUPFD_CLOEXEC, 3)  # noqa: UP031

# Beside the sources lies a compiled copy for the Python that made the archive: half of the time to start is compiling.
COMPILED = str(sys.implementation.cache_tag)


class Importer(zipimport.zipimporter):
    """The standard one reads and unmarshals each module once more, only to learn what its file is called."""

    def get_filename(self, fullname):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """The file of a module, as `__file__` tells it."""
        if not self.prefix.startswith(COMPILED):
            return super().get_filename(fullname)
        end = "/__init__.pyc" if self.is_package(fullname) else ".pyc"
        return self.archive + "/" + self.prefix + fullname.rpartition(".")[2] + end


sys.path_hooks.insert(0, Importer)
sys.path.insert(0, sys.path[0] + "/" + COMPILED)

from ntpjoin.cli import main  # noqa: E402 - found where the lines above say

main()
