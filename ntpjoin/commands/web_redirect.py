"""`ntpjoin web-redirect`: the virtual host that sends lost browsers to the pool's site, printed or installed."""

from __future__ import annotations

from ntpjoin.commands.common import Prepare
from ntpjoin.errors import Blocked
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.provision.changes import ServeSite
from ntpjoin.provision.prepare import Prepared, prepare_redirect
from ntpjoin.provision.web import COMMAND
from ntpjoin.show import jsons, text
from ntpjoin.show.screen import Screen


def prepare_web(screen: Screen, *, applies: bool, take_default: bool) -> Prepare:
    """What it looks at and decides."""

    def look_and_decide(host: Host) -> Prepared:
        return prepare_redirect(host, screen.tell, applies=applies, take_default=take_default)

    return look_and_decide


def print_command(look_and_decide: Prepare, screen: Screen) -> int:
    """Exit 0, or 3 where there is no web server that it could be for. Nothing but the virtual host goes to stdout."""
    with Interrupts():
        made = look_and_decide(Host(screen.trace))
    plan = made.plan
    sites = [change for change in plan.changes if isinstance(change, ServeSite)]
    content = "".join(change.content for change in sites)
    pending = [site for site in sites if not site.holds(made.facts)]
    for told in (text.aside(plan, screen.talk_style, printed=bool(content)), *map(text.by_hand, pending)):
        if told:
            screen.talk(told)
    if content:
        screen.answer(content.rstrip("\n"))
    code = 0 if content or not plan.blockers else Blocked.exit_code
    screen.page(jsons.envelope(COMMAND, code, **jsons.plan(made.facts, plan), content=content))
    return code
