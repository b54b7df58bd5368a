"""All rows, and the table of what became of them."""

from __future__ import annotations

import json
from typing import Any, Optional

from tests.real.planted import around, clock, daemon, doors, lines, sources
from tests.real.planted.fault import Fault
from tests.real.planted.run import file_of

FAULTS: tuple[Fault, ...] = (
    *daemon.FAULTS,
    *sources.FAULTS,
    *lines.FAULTS,
    *clock.FAULTS,
    *doors.FAULTS,
    *around.FAULTS,
)

_HEAD = ("fault", "check", "false alarms", "mended")


def table() -> tuple[str, bool]:
    """The table, and whether each fault was planted in this checkout, found, alone, and mended by its remedy."""
    rows = [_row(fault, _recorded(fault)) for fault in FAULTS]
    text = [" | ".join(("", *cells, "")).strip() for cells in (_HEAD, *(cells for cells, _ in rows))]
    mended = sum(fault.mend is not None for fault in FAULTS)
    found = sum(good for _, good in rows)
    total = f"{found} of {len(FAULTS)} as they should be: {mended} that a remedy mends, {len(FAULTS) - mended} that none can"
    return "\n".join([*text, total]), found == len(FAULTS)


def _recorded(fault: Fault) -> Optional[dict[str, Any]]:
    file = file_of(fault)
    return json.loads(file.read_text()) if file.exists() else None


def _row(fault: Fault, row: Optional[dict[str, Any]]) -> tuple[tuple[str, str, str, str], bool]:
    """The cells, and whether all is as it should be."""
    checks = ", ".join(dict.fromkeys(map(str, fault.signs)))
    if row is None:
        return (fault.name, checks, "not planted", ""), False
    found = checks if not row["missed"] else f"NOT FOUND: {'; '.join(row['missed'])}"
    false = "; ".join(check.partition(":")[0] for check in row["false"]) or "none"
    mended = (
        "no command can" if fault.mend is None else "yes" if row["mended"] else f"NO: {'; '.join(row['left'])[:200]}"
    )
    good = not row["missed"] and not row["false"] and (fault.mend is None or row["mended"])
    return (fault.name, found, false, mended), bool(good)
