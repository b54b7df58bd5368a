"""`ntpjoin install`, `firewall`, `restart`, `web-redirect --apply`: one step alone, by the same plan, loop and journal as `setup`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ntpjoin.checks.addresses import family_of
from ntpjoin.commands.common import Agreed, Prepare, carry_out
from ntpjoin.errors import StepFailed
from ntpjoin.host.machine import Host
from ntpjoin.model import Consent, Wish
from ntpjoin.provision.apply import Applier
from ntpjoin.provision.changes import ServeSite
from ntpjoin.provision.firewall import rule_is_left
from ntpjoin.provision.plan import Plan
from ntpjoin.provision.prepare import Prepared, prepare_step
from ntpjoin.provision.steps import StepCommand
from ntpjoin.show import jsons, text
from ntpjoin.show.screen import Screen


def prepare_one(command: StepCommand, given: Mapping[str, Any], consent: Consent, screen: Screen) -> Prepare:
    """What this step looks at and decides."""

    def look_and_decide(host: Host) -> Prepared:
        return prepare_step(host, command, given, consent, screen.tell)

    return look_and_decide


def step_command(command: str, look_and_decide: Prepare, consent: Consent, screen: Screen) -> int:
    """Exit 0, 1 where it failed and is taken back, 3 where something blocks it, 5 where a rule is left to the operator."""
    return carry_out(command, consent, screen, look_and_decide, _act)


def _act(agreed: Agreed) -> int:
    applier = Applier(agreed.host, agreed.interrupts, agreed.screen.tell)
    outcome = applier.apply(agreed.made.plan, agreed.made.facts)
    if outcome.error:
        return agreed.failed(outcome, outcome.error)
    try:
        if outcome.run:
            applier.finish(outcome.run)
    except StepFailed as error:
        return agreed.failed(applier.take_back(outcome), error)
    left = agreed.command == "firewall" and rule_is_left(outcome.facts, Wish())
    if left or outcome.changed:
        said = text.step_result(agreed.command, outcome.facts, _of_the_web_server(agreed.made.plan), left=left)
        agreed.screen.answer("\n" + said)
    code = 5 if left else 0
    agreed.screen.page(jsons.envelope(agreed.command, code, **agreed.page(outcome)))
    return code


def _of_the_web_server(plan: Plan) -> str:
    """Where others come to it: by a public address that NAT leads there, else by one of its own; '' where it is not the matter."""
    own = [address for change in plan.changes if isinstance(change, ServeSite) for address in change.addresses]
    families = {family_of(address) for address in own}
    return next(iter([*(one for one in plan.wish.public_addresses if family_of(one) in families), *own]), "")
