"""One row: planted, looked at, mended, looked at again, and written down for the table."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional

from tests.lab.process import LabError
from tests.real import operator
from tests.real.healthy import SOMETIMES, unlike
from tests.real.planted.fault import Fault, Sign
from tests.real.planted.host import Check, Host

#: A file for each fault that was planted.
RESULTS = Path("build/planted")

#: What a healthy host says that is not ok: the ids and states.
Healthy = frozenset[tuple[str, str]]

#: An emulated machine on a busy one reads its clock late: from here on that is seen from the lab, too (`verify` warns from 10 ms on).
_OFF_S = 0.008


@dataclass
class Outcome:
    """What was seen of a fault, a line for each check.

    `missed`: signs that were not there; `false`: what alarmed beside them; `besides`: what did, and was true; `first`: the id of the
    first alarm; `left`: what was so after the remedy.
    """

    fault: str
    found: list[str]
    missed: list[str]
    false: list[str]
    first: str = ""
    besides: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)
    mended: Optional[bool] = None
    left: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """What is not as it should be, in words."""
        return [
            *(f"not found: {sign}" for sign in self.missed),
            *(f"false alarm: {check}" for check in self.false),
            *(f"left after the remedy: {check}" for check in self.left),
        ]


def alarms(page: dict[str, Any], good: Healthy = frozenset()) -> list[Check]:
    """The checks that are not ok, but for those that a healthy host has."""
    found: list[Check] = page["checks"]
    return [check for check in found if check["state"] != "ok" and (check["id"], check["state"]) not in good]


def healthy(page: dict[str, Any]) -> Healthy:
    """The same of a host that is healthy, and that says no more than such a host may: what it says is not held against a row."""
    strange = unlike("debian-12", page["checks"])
    assert not strange, "\n".join(strange)
    return frozenset((check["id"], check["state"]) for check in alarms(page))


def show(check: Check) -> str:
    """A line for a human."""
    return f"{check['id']} {check['state']}: {check['text']} | {check['remedy']}"


def examine(fault: Fault, host: Host, good: Healthy) -> Outcome:
    """Plant it, look, mend it as the remedies say, look again."""
    fault.plant(host)
    seen = alarms(host.verify(fault.wait_s), good)
    found = [check for check in seen if any(sign.is_in(check) for sign in fault.signs)]
    others = [check for check in seen if not _expected(check, (*fault.signs, *fault.follows))]
    true = [check for check in others if _so(check, host)]
    outcome = Outcome(
        fault=fault.name,
        found=[show(check) for check in found],
        missed=[f"{sign} {sign.words}" for sign in fault.signs if not any(map(sign.is_in, seen))],
        false=[show(check) for check in others if check not in true],
        first=next((check["id"] for check in seen if check not in true), ""),
        besides=[show(check) for check in seen if check not in found and (check in true or check not in others)],
        remedies=list(dict.fromkeys(check["remedy"] for check in found)),
    )
    if fault.mend and found:
        outcome.left = _mended(fault, host, found, good)
        outcome.mended = not outcome.left
    return outcome


def _mended(fault: Fault, host: Host, found: Sequence[Check], good: Healthy) -> list[str]:
    """Do what the remedies say; returns what is not good after that."""
    assert fault.mend
    left = []
    try:
        fault.mend(host, found)
    except (AssertionError, LabError) as error:
        left.append(f"the remedy fails: {error}")
    checks = alarms(host.verify(fault.mended_wait_s), good)
    planted = any(sign.id == "sync.offset" for sign in fault.signs)
    return [*left, *(show(check) for check in checks if planted or not _so(check, host))]


def _expected(check: Check, signs: Sequence[Sign]) -> bool:
    return any(sign.is_in(check) for sign in signs)


def _so(check: Check, host: Host) -> bool:
    """Whether an alarm that nobody planted is true: the clock is off, as the lab sees, or as ntpd thinks until it has slewed."""
    if check["id"] != "sync.offset":
        return False
    return (check["id"], check["state"]) in SOMETIMES or abs(operator.behind_s(host.server)) > _OFF_S


def file_of(fault: Fault) -> Path:
    """Where its row lies."""
    return RESULTS / f"{re.sub('[^a-z0-9]+', '-', fault.name.lower())}.json"


def remember(fault: Fault, outcome: Outcome) -> None:
    """A row for the table."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    file_of(fault).write_text(json.dumps(asdict(outcome), indent=1))
