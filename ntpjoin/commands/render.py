"""`ntpjoin render`: the configuration that setup would write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ntpjoin.errors import Blocked
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.provision.changes import WriteFile
from ntpjoin.provision.prepare import prepare_configuration
from ntpjoin.show import jsons, text
from ntpjoin.show.screen import Screen


def render_command(given: Mapping[str, Any], *, survey: bool, diff: bool, screen: Screen) -> int:
    """Exit 0, or 3 where it cannot be told. Nothing but the file, or with `diff` the difference, goes to stdout."""
    with Interrupts():
        made = prepare_configuration(Host(screen.trace), given, screen.tell, survey_anew=survey)
    told = text.aside(made.plan, screen.talk_style)
    if told:
        screen.talk(told)
    content = "".join(change.content for change in made.plan.changes if isinstance(change, WriteFile))
    shown = text.diffs(made.facts, made.plan.changes) if diff else content
    if shown:
        screen.answer(shown.rstrip("\n"))
    code = Blocked.exit_code if made.plan.blockers else 0
    screen.page(jsons.envelope("render", code, **jsons.plan(made.facts, made.plan), content=content))
    return code
