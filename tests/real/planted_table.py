"""Prints the table of planted faults, and ends with 1 unless each was planted, in this checkout, and is as it should be."""

from __future__ import annotations

import sys

from tests.real.planted.table import table


def main() -> int:
    text, whole = table()
    print(text)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
