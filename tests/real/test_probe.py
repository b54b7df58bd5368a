"""`probe` of real servers, from another machine and as nobody: healthy ones, each sort of fault, what it sends, and how fast."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Optional

import pytest

from tests.internet.network import Network
from tests.internet.stations import Behaviour, Station
from tests.lab import Lab, Result
from tests.lab.hosts import HOSTS, SERVICES4, SERVICES6
from tests.real import outsider
from tests.real.engines import running, wait_listening

pytestmark = pytest.mark.real

ENGINES = ("classic-4.2.8p15", "ntpsec-1.2.2")
#: As the pool's own page has it, and as NTPsec has it by itself.
LIMITED = {
    "classic-4.2.8p15": "restrict default kod limited nomodify notrap nopeer noquery\n",
    "ntpsec-1.2.2": "restrict default kod limited nomodify noquery\n",
}
FOLLOW = f"server {HOSTS['alpha'].ipv4} iburst\nserver {HOSTS['bravo'].ipv4} iburst\nrestrict 127.0.0.1\n"

Page = dict[str, Any]


def probe(lab: Lab, *words: str, code: Optional[int]) -> dict[str, Page]:
    """What is told of each address, as nobody on the lab's client; it must end so, or None: as it likes."""
    done = outsider.run(lab, "probe", "--json", "--allow-private", *words)
    assert code in (done.code, None), done.out + done.err
    page = json.loads(done.out)
    assert (page["exit"], page["errors"]) == (done.code, [])
    return {one["address"]: one for one in page["probed"]}


def faults(one: Page) -> list[tuple[str, str]]:
    return [(check["id"], check["state"]) for check in one["checks"] if check["state"] != "ok"]


def text(one: Page, id_: str) -> str:
    [told] = [check["text"] for check in one["checks"] if check["id"] == id_]
    return str(told)


def addresses(*hosts: str) -> list[str]:
    return [address for host in hosts for address in (HOSTS[host].ipv4, HOSTS[host].ipv6) if address]


def names(*hosts: str) -> list[str]:
    return [HOSTS[host].name for host in hosts]


# --- verdicts and words ------------------------------------------------------------------------------------------------


def test_healthy_servers_are_good_at_each_of_their_addresses(lab: Lab) -> None:
    lab.heal()
    hosts = ("alpha", "delta", "echo", "foxtrot", "golf")
    references = [word for name in names("bravo", "charlie", "alpha") for word in ("--reference", name)]
    found = probe(lab, *names(*hosts), *references, code=0)
    assert list(found) == addresses(*hosts)
    for one in found.values():
        assert (one["verdict"], faults(one)) == ("ok", []), one
        assert one["monitor"] == {"step": 1.0, "cap": None, "score": 20.0, "checks": 14}
        assert (one["answer"]["sent"], one["answer"]["heard"], len(one["answer"]["samples"])) == (3, 3, 3)
        assert abs(one["answer"]["offset_ms"]) < 20
    assert found[str(HOSTS["golf"].ipv4)]["answer"]["stratum"] == 2


#: Who pretends what, what must be found and in which words, and the step and the end of the score.
PLANTED: dict[str, tuple[dict[str, Any], tuple[str, str], str, float, float]] = {
    "alpha": ({"stratum": 16, "leap": 3, "refid": "0.0.0.0"}, ("synchronised", "fail"),
              "says that it is not synchronised (stratum 16, leap 3): clients do not follow it", -4, -80),
    "bravo": ({"stratum": 2, "leap": 3, "refid": "192.0.2.9"}, ("synchronised", "fail"),
              "(stratum 2, leap 3): clients do not follow it, though the pool's monitors do not mind", 1, 20),
    "charlie": ({"kiss": "RATE", "after": 2}, ("answers", "fail"),
                "refuses question 3 of 3, 2 s apart, as too frequent (kiss-o'-death RATE): its limiter is too tight", -3.5, -70),
    "delta": ({"kiss": "DENY"}, ("answers", "fail"), "denies clients the time (kiss-o'-death DENY)", -10, -200),
    "echo": ({"echo": False}, ("answers", "fail"),
             "gives answers that no client takes: it does not echo what was sent", -5, -100),
    "foxtrot": ({"offset_s": 0.120}, ("offset", "fail"), "the pool's monitors take points from 25 ms on", 0.454, 9.08),
    "golf": ({"stratum": 2, "refid": "254.1.2.3"}, ("smear", "fail"),
             "smears a leap second, by +15.7 ms now, as its reference says (254.1.2.3)", 1, 20),
}  # fmt: skip


def test_what_is_planted_in_what_they_say_is_found_alone_and_told(lab: Lab) -> None:
    lab.heal()
    for host, (says, *_) in PLANTED.items():
        lab.upstream(host).pretend(**says)
    found = probe(lab, *names(*PLANTED), code=1)
    lab.heal()
    assert list(found) == addresses(*PLANTED)
    for host, (_, fault, words, step, score) in PLANTED.items():
        for address in addresses(host):
            one = found[address]
            assert faults(one) == [fault], one
            assert words in text(one, fault[0])
            assert one["monitor"]["step"] == pytest.approx(step, abs=0.05)
            assert one["monitor"]["score"] == pytest.approx(score, abs=1)
            assert one["verdict"] == "fail"
    for address in addresses("foxtrot"):
        assert found[address]["answer"]["offset_ms"] == pytest.approx(120, abs=15)
        assert found[address]["monitor"]["checks"] is None
    assert [found[one]["monitor"]["cap"] for one in addresses("delta")] == [-50]
    kissed = found[addresses("charlie")[0]]["answer"]
    assert (kissed["sent"], kissed["heard"], kissed["problem"]) == (3, 2, "kiss-o'-death RATE")


def test_what_lies_on_the_way_is_found_and_told_and_what_real_daemons_say(lab: Lab) -> None:
    lab.heal()
    rules = [
        f"ip6 daddr {HOSTS['bravo'].ipv6} udp dport 123 drop",
        f"ip daddr {HOSTS['charlie'].ipv4} udp dport 123 drop",
        f"ip6 daddr {HOSTS['charlie'].ipv6} udp dport 123 drop",
        f"ip daddr {HOSTS['delta'].ipv4} udp dport 123 reject with icmp type admin-prohibited",
        f"ip6 daddr {HOSTS['echo'].ipv6} udp dport 123 reject with icmpv6 type admin-prohibited",
    ]
    lab.router.nft("".join(f"add rule inet fault forward {rule}\n" for rule in rules))
    hosts = ("bravo", "charlie", "delta", "echo", "dead", "unsync", "liar")
    references = [word for name in names("alpha", "foxtrot", "golf") for word in ("--reference", name)]
    found = probe(lab, *names(*hosts), "nx.example", *references, code=1)
    lab.heal()
    four, six = addresses("bravo")
    assert (faults(found[four]), faults(found[six])) == ([], [("answers", "fail")])
    [half] = [check for check in found[six]["checks"] if check["id"] == "answers"]
    assert half["text"] == "does not answer: no answer within 7 s"
    assert half["remedy"] == "IPv4 answers: let UDP 123 in over IPv6, too; or take the AAAA record out"
    for address in addresses("charlie"):
        assert faults(found[address]) == [("answers", "fail")]
        assert text(found[address], "answers") == "does not answer: no answer within 7 s"
        assert found[address]["monitor"] == {"step": -5.0, "cap": None, "score": -100.0, "checks": None}
    for address in addresses("delta", "echo"):
        assert text(found[address], "answers") == "does not answer: a packet filter refuses it", found[address]
    for address in addresses("dead"):
        assert text(found[address], "answers") == "does not answer: refused: nothing listens on UDP 123"
    for address in addresses("unsync"):
        assert faults(found[address]) == [("synchronised", "fail")]
    for address in addresses("liar"):
        assert faults(found[address]) == [("offset", "fail")]
        assert found[address]["answer"]["offset_ms"] == pytest.approx(10_000, abs=50)
        assert "against 3 of 3 references" in text(found[address], "offset")
        assert (found[address]["monitor"]["step"], found[address]["monitor"]["cap"]) == (-4, -20)
    assert faults(found[""]) == [("name", "fail")]
    assert text(found[""], "name") == "leads nowhere: no such name"


def test_a_machine_that_hears_nobody_judges_nobody(lab: Lab) -> None:
    lab.heal()
    lab.router.nft("add rule inet fault forward udp dport 123 drop\n")
    found = probe(lab, *names("alpha"), "--reference", HOSTS["bravo"].name, code=3)
    lab.heal()
    assert [faults(one) for one in found.values()] == [[("answers", "unknown")]] * 2
    assert "this machine hears nobody" in text(found[addresses("alpha")[0]], "answers")


# --- management --------------------------------------------------------------------------------------------------------

#: Mode 6 or 7 to UDP 123, over either family: where the NTP header begins, behind IP and UDP.
MANAGEMENT = "udp dst port 123 and ((ip and udp[8] & 6 = 6) or (ip6 and ip6[48] & 6 = 6))"
REPLIES = "udp src port 123 and ((ip and udp[8] & 6 = 6) or (ip6 and ip6[48] & 6 = 6))"


def weighed(lines: Iterable[str], address: str) -> int:
    """The payloads of what came from this address, as tcpdump saw them."""
    sizes = [re.search(r"length (\d+)$", line.strip()) for line in lines if f" {address}.123 > " in line]
    return sum(int(size[1]) for size in sizes if size)


def test_no_management_query_is_sent_to_who_is_not_ones_own(lab: Lab) -> None:
    lab.heal()
    targets = [*names("open", "alpha", "dead"), "--reference", HOSTS["bravo"].name]
    with lab.capture("client", MANAGEMENT) as seen, lab.capture("client", "udp dst port 123") as everything:
        found = probe(lab, *targets, code=1)
    assert list(filter(None, seen.lines)) == []
    assert len(list(filter(None, everything.lines))) == 3 * 2 + 3 * 2 + 2 + 3 * 2, "all were asked the time"
    assert not any(check["id"] == "closed" for one in found.values() for check in one["checks"])
    with lab.capture("client", MANAGEMENT) as seen:
        probe(lab, *targets, "--mine", code=1)
    asked = {line.split(" > ")[1].split(": ")[0].rsplit(".", 1)[0] for line in filter(None, seen.lines)}
    assert asked == set(addresses("open", "alpha", "dead")), "the reference is not ours"


def test_an_open_server_is_told_with_the_factor_that_was_measured(lab: Lab) -> None:
    lab.heal()
    config = f"{FOLLOW}restrict default kod limited nomodify\nenable mode7\n"
    with running(lab, "classic-4.2.8p15", 81, config) as host:
        classic = [f"{SERVICES4}81", f"{SERVICES6}81"]
        wait_listening(lab, host, classic)
        with lab.capture("client", REPLIES) as seen:
            found = probe(lab, "open.example", *classic, "ntp1.alpha.example", "--mine", code=1)
    for address in (*addresses("open"), *classic):
        one = found[address]
        assert ("closed", "fail") in faults(one), one
        told = {it["mode"]: it for it in one["management"]}
        assert told[6]["received_bytes"] > 4 * told[6]["sent_bytes"] == 48
        assert sum(it["received_bytes"] for it in told.values()) == weighed(seen.lines, address)
        assert told[6]["factor"] == pytest.approx(told[6]["received_bytes"] / 12, abs=0.001)
        assert f"mode 6 with {told[6]['received_bytes']} bytes for 12 (factor {told[6]['factor']:.1f})" in text(
            one, "closed"
        )
        assert (7 in told) is (address in classic)
        print(address, {mode: it["factor"] for mode, it in told.items()})
    for address in addresses("alpha"):
        assert text(found[address], "closed") == "refuses management queries (modes 6 and 7)", found[address]


# --- limiters ----------------------------------------------------------------------------------------------------------

#: Thirty questions in a second; prints the code of each kiss-o'-death.
HURRY = """
import socket, sys, time
door = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
door.connect((sys.argv[1], 123))
door.settimeout(0.03)
for number in range(30):
    door.send(b"\\x23" + bytes(39) + number.to_bytes(8, "big"))
    try:
        reply = door.recv(1024)
    except OSError:
        continue
    if reply[1] == 0:
        print(reply[12:16].decode())
"""


@pytest.mark.parametrize(("engine", "number"), list(zip(ENGINES, (82, 84))))
def test_no_kiss_is_provoked_by_our_own_spacing(lab: Lab, engine: str, number: int) -> None:
    """Two addresses of one machine under one name, and the next run at once; who hurries is sent a kiss by the same daemon."""
    lab.heal()
    name, more4 = f"limited-{number}.example", f"{SERVICES4}{number + 1}"
    records = [f"A {SERVICES4}{number}", f"A {more4}", f"AAAA {SERVICES6}{number}"]
    lab.dns.add("".join(f"limited-{number} {record}\n" for record in records))
    with running(lab, engine, number, LIMITED[engine] + FOLLOW, more4) as host:
        machine = [f"{SERVICES4}{number}", more4, f"{SERVICES6}{number}"]
        wait_listening(lab, host, machine)
        for _ in range(2):
            found = probe(lab, name, code=None)  # a young daemon is not synchronised yet
            assert {fault for one in found.values() for fault, _ in faults(one)} <= {"synchronised"}, found
            assert list(found) == machine
            assert [(one["answer"]["heard"], one["answer"]["problem"]) for one in found.values()] == [(3, "")] * 3
        hurried = lab.client.run(["python3", "-I", "-", more4], input=HURRY, check=True).out.split()
        print(engine, "who hurries is sent", len(hurried), "kisses")
        assert "RATE" in hurried
        if engine.startswith("classic"):  # it sends one, and is silent for a while
            assert faults(probe(lab, more4, code=1)[more4]) == [("answers", "fail")]
    lab.heal()


# --- many --------------------------------------------------------------------------------------------------------------


def timed(network: Network, stations: Sequence[Station]) -> Result:
    """`probe` of these addresses on real sockets."""
    argv = [sys.executable, "-m", "ntpjoin", "probe", "--json", *(one.address for one in stations)]
    root = Path(__file__).parents[2]
    return network.sandbox.run(["env", f"PYTHONPATH={root}", *argv], host="client", check=False, timeout=120)


@pytest.mark.campaign
def test_two_hundred_take_about_as_long_as_a_slow_one() -> None:
    slow = Station("5.0.1.2", behaviour=Behaviour.DEAD)
    far = Station("5.0.3.2", delay_there_ms=700, delay_back_ms=700)
    good = [Station(f"5.1.{number}.2" if number % 2 else f"2a00:{number:x}::2") for number in range(1, 199)]
    with Network() as network:
        network.serve([slow, far, *good])
        rows = []
        for _ in range(3):
            alone, many = timed(network, [slow]), timed(network, [slow, far, *good])
            rows.append((alone.seconds, many.seconds, many.seconds / alone.seconds))
    told = json.loads(many.out)["probed"]
    assert [one["answer"]["heard"] for one in told] == [0, *[3] * 199]
    lines = [f"probe: one slow host {one:.2f} s, 200 hosts {two:.2f} s, ratio {ratio:.2f}" for one, two, ratio in rows]
    print("\n".join(lines))
    with Path("campaign.log").open("a") as log:
        log.write("".join(f"{line}\n" for line in lines))
    assert min(ratio for *_, ratio in rows) < 2
