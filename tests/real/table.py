"""Prints the table of journeys, and ends with 1 unless each kind of system has made its own, in this checkout, without a fault."""

from __future__ import annotations

import sys

from tests.real.journey import table

#: The first is run by `make test`, the others by `make campaign`.
HOSTS = ("leap-15", "sysvinit", "debian-11", "debian-13", "el-9", "arch", "devuan-5", "debian-12")


def main() -> int:
    text, whole = table(HOSTS)
    print(text)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
