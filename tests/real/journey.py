"""The whole journey on a server of any kind: seen, set up, looked at from outside, rebooted, taken back. And the table of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any

from tests.lab import Lab, Server
from tests.lab.hosts import SERVER4, SERVER6
from tests.real import healthy, operator

#: A file for each journey that was made to its end.
RESULTS = Path("build/systems")

#: How close its time is after the set-up; and after a reboot, for a machine boots with what its hardware clock says, and what is less
#: than 128 ms off is slewed, for minutes. That it then comes close is shown on one system, by test_main_job.
CLOSE_S, BOOTED_S = 0.050, 0.200


@dataclass
class Journey:
    """What was seen on the way: `detected` before the set-up, `found` after it; `faults` are what should not have been, in words."""

    system: str
    detected: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    setup: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def expect(self, what: str, *, so: bool, seen: object = "") -> None:
        """Note what is not as it should be, and go on."""
        if not so:
            self.faults.append(f"{what}: {seen}")


def nothing(_way: Journey) -> None:
    """What most systems need not show."""


def travel(
    lab: Lab,
    server: Server,
    system: str,
    *words: str,
    causes: Mapping[str, str] = operator.CAUSES,
    also: Callable[[Journey], None] = nothing,
) -> Journey:
    """Make the journey, with more words for `setup`; `also` is shown while it is set up, and leaves it so."""
    way = Journey(system)
    operator.carry(server)
    way.detected = operator.page(operator.ntpjoin(server, "detect", "--json", timeout=30))
    fresh = server.snapshot()
    done = operator.set_up(server, "--json", *words)
    way.setup = operator.page(done)
    way.expect("setup ends with 0", so=done.code == 0, seen=done.out + done.err)
    look_from_inside(way, "after setup", way.setup)
    if done.code == 0:
        verified = operator.ntpjoin(server, "verify", "--wait", "60", "--json", timeout=90)
        look_from_inside(way, "by verify", operator.page(verified))
        way.found = operator.page(operator.ntpjoin(server, "detect", "--json", timeout=30))
        look_from_outside(lab, way, "after setup", CLOSE_S)
        again = operator.ntpjoin(server, "setup", "--yes", "--json", timeout=90)
        same = again.code == 0 and not operator.page(again)["changed"]
        way.expect("setup again changes nothing", so=same, seen=again.out + again.err)
        also(way)
        server.reboot()
        verified = operator.ntpjoin(server, "verify", "--wait", "240", timeout=280)
        way.expect("verify after a reboot ends with 0", so=verified.code == 0, seen=verified.out + verified.err)
        look_from_outside(lab, way, "after a reboot", BOOTED_S)
    lab.packages.stop()
    undone = operator.ntpjoin(server, "undo", "--yes", timeout=60)
    way.expect("undo ends with 0", so=undone.code == 0, seen=undone.out + undone.err)
    left = operator.unexplained(fresh, server.snapshot(), causes)
    way.expect("undo leaves the server as it was", so=not left, seen="\n".join(left))
    lab.heal()
    return way


def look_from_inside(way: Journey, when: str, page: Mapping[str, Any]) -> None:
    """All checks are good, but for those that the list of healthy hosts has with a reason."""
    differs = healthy.unlike(way.system, page.get("checks", ()))
    way.expect(f"the checks are those of a healthy host {when}", so=not differs, seen="\n".join(differs))


def look_from_outside(lab: Lab, way: Journey, when: str, close_s: float) -> None:
    """Clients of others accept it over both families, and its management queries are unanswered beside one whose are not."""
    sleep(3)  # classic ntpd tells who comes again within two seconds to go away
    seen = operator.outside_view(lab)
    for address in (SERVER4, SERVER6):
        try:
            by_chronyd, by_ntpdig, stratum = operator.accepts(seen, address)
        except AssertionError:
            way.expect(f"clients accept {address} {when}", so=False, seen=seen)
            continue
        way.expect(f"{address} is of stratum 2 or 3 {when}", so=stratum in (2, 3), seen=stratum)
        close = max(abs(by_chronyd), abs(by_ntpdig)) < close_s
        way.expect(f"{address} tells the time {when}", so=close, seen=(by_chronyd, by_ntpdig))
        way.expect(f"{address} refuses management queries {when}", so="timed out" in seen[f"ntpq {address}"], seen=seen)
    way.expect("the control answers them", so="associd=0" in seen["ntpq control"], seen=seen["ntpq control"])


def remember(way: Journey) -> None:
    """A row for the table."""
    found, engine = way.detected, way.found.get("ntpd", {"engine": "", "version": ""})
    row = {
        "host": way.system,
        "row": found["os"]["row"],
        "package manager": found["package_manager"],
        "engine": f"{engine['engine']} {engine['version']}",
        "firewall": found["firewall"]["manager"],
        "init": found["os"]["init"],
        "faults": way.faults,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{way.system}.json").write_text(json.dumps(row))


def table(hosts: Sequence[str]) -> tuple[str, bool]:
    """The table of journeys, and whether each of these hosts has made its own without a fault."""
    keys = ("row", "package manager", "engine", "firewall", "init")
    lines, whole = ["| host | " + " | ".join(keys) + " | result |"], True
    for host in hosts:
        place = RESULTS / f"{host}.json"
        row = json.loads(place.read_text()) if place.exists() else {"faults": ["missing"]}
        whole = whole and not row["faults"]
        result = "; ".join(fault.splitlines()[0] for fault in row["faults"]) or "ok"
        lines.append(f"| {host} | " + " | ".join(str(row.get(key, "")) for key in keys) + f" | {result} |")
    return "\n".join(lines), whole
