"""The last choice, kept for a few minutes: so that `setup` does what `plan` has just shown, although no two measurements are equal.

A cache, and only that: it counts for the same question, in the same boot, while nobody has set the clock.
"""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any, Optional

from ntpjoin.errors import StepFailed
from ntpjoin.host.machine import FileState, Host
from ntpjoin.look.boot import boot_id, since_boot_s
from ntpjoin.model import Choice, Chosen, Dropped, Sample

FILE = "/var/cache/ntpjoin/choice.json"

#: How long a measurement counts.
FRESH_S = 600.0

#: A clock that has moved this far against the time since boot was set by somebody, and the offsets with it.
_MOVED_S = 0.5


def recall(host: Host, question: dict[str, Any]) -> Optional[tuple[Choice, float]]:
    """The choice made for this question and its age in seconds, None where there is none that still counts."""
    try:
        page = json.loads(host.text(FILE))
        age_s = since_boot_s() - page["at_s"]
        moved_s = abs(_clock_since_boot_s() - page["clock_s"])
        fits = (page["question"], page["boot"]) == (json.loads(json.dumps(question)), boot_id(host))
        return (_choice(page["choice"]), age_s) if fits and 0 <= age_s < FRESH_S and moved_s < _MOVED_S else None
    except (ValueError, KeyError, TypeError):
        return None  # no page, or not one of ours


def remember(host: Host, question: dict[str, Any], choice: Choice) -> None:
    """Keep a choice that found somebody; where that is not possible, the next one is simply measured."""
    if not choice.chosen:
        return
    page = {
        "question": question,
        "boot": boot_id(host),
        "at_s": since_boot_s(),
        "clock_s": _clock_since_boot_s(),
        "choice": dataclasses.asdict(choice),
    }
    try:
        host.make_folder(FILE.rpartition("/")[0], 0o700)
        host.write(FILE, FileState(json.dumps(page).encode(), 0o600, ""))
    except (OSError, StepFailed):
        return


def _choice(page: dict[str, Any]) -> Choice:
    chosen = tuple(Chosen(**{**one, "sample": Sample(**one["sample"])}) for one in page["chosen"])
    dropped = tuple(Dropped(**one) for one in page["dropped"])
    return Choice(page["asked"], chosen, dropped, page["offset_s"], page["spread_s"], tuple(page["waived"]))


def _clock_since_boot_s() -> float:
    return time.time() - since_boot_s()
