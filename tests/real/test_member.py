"""A server that is a member already: what changes when its operator changes his mind."""

from __future__ import annotations

import pytest

from tests.lab import Lab, Server
from tests.lab.hosts import HEALTHY, HOSTS, SERVER4, SERVER6
from tests.real import operator, outsider

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


def test_what_verify_names_to_look_from_outside_sees_a_good_server_and_a_closed_firewall(
    lab: Lab, member: Server
) -> None:
    checks = operator.page(operator.ntpjoin(member, "verify", "--json"))["checks"]
    [remedy] = [check["remedy"] for check in checks if check["id"] == "outside"]
    typed = remedy.partition("ntpjoin ")[2].split()
    assert typed == ["probe", SERVER4, SERVER6, "--mine", "--allow-private"]
    done = outsider.run(lab, *typed, "--json")
    assert done.code == 0, done.out + done.err
    for one in operator.page(done)["probed"]:
        good = {check["id"] for check in one["checks"] if check["state"] == "ok"}
        print(one["verdict"], [check for check in one["checks"] if check["state"] != "ok"])
        assert {"answers", "stratum", "closed"} <= good, one  # its clock was set by us, after a rollback
        assert one["monitor"]["checks"] is not None
    member.run(["ufw", "delete", "allow", "123/udp"], check=True)
    done = outsider.run(lab, *typed, "--json")
    assert done.code == 1, done.out + done.err
    told = [check for one in operator.page(done)["probed"] for check in one["checks"] if check["id"] == "answers"]
    assert [check["text"] for check in told] == ["does not answer: no answer within 7 s"] * 2


#: The list that dpkg keeps beside what dpkg-query says of it, read by the program that was carried there.
BOTH = """
import sys
sys.path.insert(0, sys.argv[1])
from ntpjoin.host.machine import Host
from ntpjoin.host.packages import apt
class Asking(Host):
    def text(self, path):
        return "" if path == apt._STATUS else super().text(path)
asked, read = apt.installed(Asking()), apt.installed(Host())
print(len(read[0]), asked == read)
"""


def test_dpkg_s_own_list_says_what_dpkg_query_does(member: Server) -> None:
    told = member.run(["python3", "-c", BOTH, operator.PROGRAM], check=True, timeout=60 * member.slowness).out.split()
    assert int(told[0]) > 100
    assert told[1] == "True"
