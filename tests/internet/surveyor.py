"""Surveys from where it runs, and tells what that took. A program: `python -m tests.internet.surveyor`, JSON in and out."""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
import time
from typing import Any

from ntpjoin.model import Asked
from ntpjoin.upstreams.catalogue import Server
from ntpjoin.upstreams.select import select
from ntpjoin.upstreams.survey import survey
from ntpjoin.wire import ntp


@dataclasses.dataclass(frozen=True)
class Figures:
    """How long the asking took, and the whole survey; what the process used, from its start; how long the slowest answer took."""

    asking_s: float
    survey_s: float
    cpu_s: float
    mib: float
    slowest_s: float


def main() -> None:
    """`{"rows": [rows of the catalogue], "options": {of the survey}}`."""
    task = json.load(sys.stdin)
    rows = {row["host"]: Server(**{**row, "asn": tuple(row["asn"])}) for row in task["rows"]}
    asking: list[float] = []
    answers: list[float] = []

    def exchange(*words: Any, **options: Any) -> tuple[Asked, ...]:
        began_s = time.monotonic()
        found = ntp.exchange(*words, **options)
        asking.append(time.monotonic() - began_s)
        answers.extend(one.sample.delay_s for one in found if one.sample)
        return found

    began_s = time.monotonic()
    found = survey(list(rows), exchange=exchange, **task["options"])
    surveyed_s = time.monotonic() - began_s
    select(found, rows)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = used.ru_utime + used.ru_stime
    figures = Figures(asking[0], surveyed_s, cpu_s, used.ru_maxrss / 1024, max(answers))
    told = {"found": [dataclasses.asdict(one) for one in found], "figures": dataclasses.asdict(figures)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
