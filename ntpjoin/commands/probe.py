"""`ntpjoin probe`: what a client and the pool's monitors see of servers, from any machine."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from ntpjoin.checks.probe import judge
from ntpjoin.checks.probing import Task, gather
from ntpjoin.checks.scoring import GAP_S
from ntpjoin.errors import UsageProblem, shown
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.show.probe import answer, report
from ntpjoin.show.report import Form, exit_code
from ntpjoin.show.screen import Screen
from ntpjoin.upstreams.grammar import parse_list

#: A list of so many bytes is a list of something else.
_MOST_BYTES = 1 << 20


def task_of(names: tuple[str, ...], listed: str, options: Mapping[str, Any]) -> Task:
    """Whom to look at: those named, and those in the file `listed`, '' for none. UsageProblem where that is nobody."""
    more: tuple[str, ...] = ()
    if listed:
        content = Host().given(listed, _MOST_BYTES)
        if content is None:
            raise UsageProblem(f"there is no file {shown(listed)}", "Name one with --list FILE.")
        more = parse_list(content, listed, "probed")
    if not (names or more):
        raise UsageProblem("no server is named", "ntpjoin probe HOST, by name or address; or --list FILE")
    return Task(
        tuple(dict.fromkeys((*names, *more))),
        options["references"],
        mine=options["mine"],
        from_pool=options["by_tracer"],
        allow_private=bool(options["allow_private"]),
        nameservers=options["nameservers"],
    )


def probe_command(task: Task, *, form: Form, output: str, screen: Screen) -> int:
    """Exit 0, 1 where a check of a server failed, 3 where nothing could be told of any.

    The answer goes to the file `output`, to stdout where that is ''.
    """
    host = Host(screen.trace)
    if output:
        from ntpjoin.host import output as file  # noqa: PLC0415

        file.takes(host, output)
    with Interrupts():
        seen = gather(task, screen.tell)
    verdicts = judge(seen)
    if output:
        file.write(host, output, answer(form, verdicts, screen.file_style(), time.time()))
    else:
        screen.put(answer(form, verdicts, screen.style, time.time()))
    # Whoever asks once more at once would be too fast for a limiter, and be told so.
    with contextlib.suppress(KeyboardInterrupt):
        time.sleep(max(0.0, seen.heard_s + GAP_S - time.monotonic()))
    return exit_code(form, report(verdicts))
