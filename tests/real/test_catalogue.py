"""Nobody is named: the server chooses from a catalogue, and from then on notices who moves."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lab import Lab, Server
from tests.lab.hosts import HEALTHY, HOSTS, SERVER4, UPSTREAMS4, UPSTREAMS6
from tests.lab.network import batch
from tests.real import operator
from tests.real.test_monitor import CARRIED, check, typed

pytestmark = [pytest.mark.real, pytest.mark.campaign]

FILE = "/root/lab.csv"
#: All that are near and open, one that smears by its own word, one that is restricted, one that lies, one that is dead.
CATALOGUE = "host,country,place,lat,lon,stratum,operator,access,notify,smears\n" + "".join(
    f"{HOSTS[name].name},DE,Berlin,52.5,13.4,1,{name},{access},no,{smears}\n"
    for name, access, smears in (
        *((name, "open", "no") for name in HEALTHY if name not in ("foxtrot", "golf")),
        ("foxtrot", "restricted", "no"),
        ("golf", "open", "yes"),
        ("liar", "open", "no"),
        ("dead", "open", "no"),
    )
)
WISHED = ["--accept-catalogue", "--country", "DE", "--catalogue", FILE, "--allow-private", "--monitor"]

#: Where alpha moves to.
NEW4, NEW6 = f"{UPSTREAMS4}31", f"{UPSTREAMS6}31"


@pytest.fixture
def moving(lab: Lab) -> Iterator[Lab]:
    """A lab in which alpha answers at another address, too."""
    for action in ("add", "del"):
        if action == "del":
            yield lab
        lines = [f"address {action} {NEW4}/24 dev eth0", f"address {action} {NEW6}/64 dev eth0"]
        batch(lab.sandbox, "alpha", lines)


def asked_at(lines: list[str], name: str) -> bool:
    """Whether one of these packets went to a host of the lab."""
    host = HOSTS[name]
    return any(f"> {address}.123:" in line for line in lines for address in (host.ipv4, host.ipv6) if address)


def test_it_chooses_follows_notices_who_moves_and_repairs_that(moving: Lab, server: Server) -> None:
    server.put(operator.PYZ, CARRIED)
    server.run(["tee", FILE], input=CATALOGUE, check=True)
    nobody = typed(server, CARRIED, "setup", "--yes", "--country", "DE", "--catalogue", FILE, "--json")
    assert nobody.code == 2, nobody.out
    assert "--accept-catalogue" in operator.page(nobody)["errors"][0]["remedy"]

    with moving.capture("router", f"udp dst port 123 and src host {SERVER4}") as seen:
        done = typed(server, CARRIED, "setup", *operator.UNATTENDED, *WISHED, "--json")
    assert done.code == 0, done.out + done.err
    page = operator.page(done)
    pins = {one["name"]: one["address"] for one in page["upstreams"]}
    assert set(pins) == {HOSTS[name].name for name in ("alpha", "bravo", "charlie", "delta", "echo")}
    followed = {peer["address"]: peer["tally"] for peer in page["peers"]}
    assert set(followed) == set(pins.values())
    assert page["settled"]
    assert "some of them are in the same network" in page["waived"]
    assert asked_at(seen.lines, "liar"), "the control: who may be asked was asked"
    assert not asked_at(seen.lines, "foxtrot")
    assert not asked_at(seen.lines, "golf")
    again = typed(server, CARRIED, "setup", "--yes", "--json")
    assert (again.code, operator.page(again)["changed"]) == (0, False), again.out + again.err

    records = moving.dns.text()
    moved = re.sub(r"(?m)^ntp1\.alpha A .*$", f"ntp1.alpha A {NEW4}", records)
    moving.dns.replace(re.sub(r"(?m)^ntp1\.alpha AAAA .*$", f"ntp1.alpha AAAA {NEW6}", moved))
    content, said = check(server)
    assert not content, said
    assert f"ntp1.alpha.example no longer leads to {pins['ntp1.alpha.example']}" in said

    mended = typed(server, CARRIED, "setup", *operator.UNATTENDED, "--json")
    assert mended.code == 0, mended.out + mended.err
    now = {one["name"]: one["address"] for one in operator.page(mended)["upstreams"]}
    assert now.pop("ntp1.alpha.example") in (NEW4, NEW6)
    assert now.keys() == pins.keys() - {"ntp1.alpha.example"}
    content, said = check(server)
    assert content, said
