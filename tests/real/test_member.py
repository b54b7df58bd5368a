"""A server that is a member already: what changes when its operator changes his mind."""

from __future__ import annotations

import pytest

from tests.lab import Server
from tests.lab.hosts import HEALTHY, HOSTS
from tests.real import operator

pytestmark = pytest.mark.real


def test_seven_upstreams_still_give_a_system_peer(member: Server) -> None:
    """The daemon thins out its survivors to `minclock`: below `minsane` of seven it would follow nobody."""
    names = [word for host in HEALTHY for word in ("--upstream", HOSTS[host].name)]
    done = operator.ntpjoin(member, "setup", *operator.UNATTENDED, *names, "--json", timeout=90)
    assert done.code == 0, done.out + done.err
    page = operator.page(done)
    assert page["settled"] is True
    assert len(page["upstreams"]) == 7
    assert sum(peer["tally"] in "*+o#" for peer in page["peers"]) >= 4
    again = operator.ntpjoin(member, "setup", *operator.UNATTENDED, "--json", timeout=90)
    assert (again.code, operator.page(again)["changed"]) == (0, False), again.out + again.err
