"""What `verify` has to go by on a server that does well, and its verdict: what is not ok."""

from __future__ import annotations

from ntpjoin.checks.evidence import Evidence
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Facts
from ntpjoin.model import CheckState, Wish
from tests.sample import OWN4, OWN6, PINS, WISH, answered

LEADS = {pin.name: (pin.address,) for pin in PINS}
GOOD = Evidence(answered(OWN4, OWN6), {OWN4: (), OWN6: ()}, LEADS)
#: From outside nothing has been tried, which `verify` cannot know.
OUTSIDE = ("outside", "unknown")


def judged(facts: Facts, evidence: Evidence = GOOD, wish: Wish = WISH) -> list[tuple[str, str]]:
    """Every check that is not ok."""
    return [
        (check.id, check.state.value)
        for check in judge(facts, wish, PINS, evidence)
        if check.state is not CheckState.OK
    ]
