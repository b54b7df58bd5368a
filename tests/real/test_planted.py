"""Faults planted on a healthy server: the right check finds each, nothing else alarms, and the remedy, typed, mends it.

In `make test` those that can be there side by side are planted together; in the campaign each is alone.
`python -m tests.real.planted_table` prints what the last run in this checkout found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.lab import Lab, Server
from tests.real import operator
from tests.real.planted.crowds import CROWDS
from tests.real.planted.fault import Fault
from tests.real.planted.host import Host
from tests.real.planted.run import Healthy, Outcome, examine, healthy, remember
from tests.real.planted.table import FAULTS

pytestmark = pytest.mark.real

STEADY = "steady"


def rows(faults: Sequence[Fault]) -> list[object]:
    return [pytest.param(fault, id=fault.name) for fault in faults]


def judge(fault: Fault, outcome: Outcome) -> None:
    assert outcome.faults == [], "\n".join(outcome.faults)
    # The checks come in the order in which one would mend what they find.
    assert outcome.first in {sign.id for sign in fault.signs}


# --- on a server that was set up a minute ago


@pytest.fixture(scope="module")
def good_member(lab: Lab, set_up_once: Server) -> Healthy:
    lab.heal()
    operator.rollback(set_up_once, "member")
    return healthy(Host(lab, set_up_once).verify(wait_s=60))


@pytest.mark.parametrize("fault", rows(CROWDS))
def test_faults_of_a_new_server_are_each_found_and_mended(
    lab: Lab, member: Server, good_member: Healthy, fault: Fault
) -> None:
    judge(fault, examine(fault, Host(lab, member), good_member))


# --- on one that has run for a while


@pytest.fixture(scope="module")
def steady(lab: Lab, set_up_once: Server) -> Iterator[Host]:
    """The daemon is old enough for all that is judged later, and its sources agree; one may stray where the machine is busy."""
    lab.heal()
    operator.rollback(set_up_once, "member")
    host = Host(lab, set_up_once)
    host.until("the daemon is grown and its sources agree", lambda: host.age_s() > 305 and host.selected() >= 4, 900)
    operator.checkpoint(set_up_once, STEADY)
    yield host
    lab.heal()


@pytest.fixture(scope="module")
def good(steady: Host) -> Healthy:
    return healthy(steady.verify(wait_s=60))


@pytest.mark.campaign
@pytest.mark.parametrize("fault", rows(FAULTS))
def test_a_fault_of_a_steady_server_is_found_alone_and_mended(
    lab: Lab, steady: Host, good: Healthy, fault: Fault
) -> None:
    lab.heal()
    operator.rollback(steady.server, STEADY)
    outcome = examine(fault, steady, good)
    remember(fault, outcome)
    judge(fault, outcome)
