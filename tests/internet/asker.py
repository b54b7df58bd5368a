"""Asks from where it runs, by the project's own `wire`. A program: `python -m tests.internet.asker`, JSON on stdin and on stdout."""

from __future__ import annotations

import dataclasses
import json
import sys

from ntpjoin.wire import dns, ntp


def main() -> None:
    """`{"exchange": [addresses]}` or `{"resolve": [names]}`, with `options` beside it."""
    task = json.load(sys.stdin)
    if "exchange" in task:
        asked = ntp.exchange(task["exchange"], **task["options"])
        json.dump([dataclasses.asdict(one) for one in asked], sys.stdout)
    else:
        resolved = dns.resolve(task["resolve"], **task["options"])
        json.dump([dataclasses.asdict(one) for one in resolved], sys.stdout)


if __name__ == "__main__":
    main()
