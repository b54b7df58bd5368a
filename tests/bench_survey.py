"""What asking three hundred servers costs on the test internet, beside how long it must last and beside ntpdig. Nothing is asserted.

Part of `make bench`; `python -m tests.bench_survey` runs it alone. Wants root.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from statistics import median

from ntpjoin.model import Candidate
from ntpjoin.upstreams.survey import TIMEOUT_S
from ntpjoin.wire.ntp import GAP_S
from tests.internet.network import CLIENT, Network
from tests.internet.surveyor import Figures
from tests.internet.world import World
from tests.internet.zone import zone
from tests.lab.images import net_image

SAMPLES, ROUNDS = 4, 3
#: Runs where it is measured: how long a program took, its seconds of CPU and its MiB.
TIMER = """
import json, resource, subprocess, sys, time
began = time.monotonic()
subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


def floor_s(found: tuple[Candidate, ...], figures: Figures) -> float:
    """How long it must last: three gaps, and until the slowest answer, or to the time limit where one was silent to the end."""
    silent = any(one.sent == SAMPLES > one.heard for candidate in found for one in candidate.asked)
    return (SAMPLES - 1) * GAP_S + (TIMEOUT_S if silent else figures.slowest_s)


def line(name: str, seconds: float, floor: float, cpu_s: float, mib: float) -> None:
    print(f"  {name:<44} {seconds:7.2f} s {seconds / floor:6.2f} x {cpu_s:8.2f} s {mib:6.0f} MiB", flush=True)


def surveys() -> None:
    """The survey of a world, and ntpdig with the same addresses; it asks one after the other, so once each must do."""
    if os.geteuid():
        print("\na survey: not measured, it wants root")
        return
    world = World.make(2)
    with Network(ipv6=world.ipv6) as network:
        network.serve(world.stations)
        network.serve_names(zone(world))
        runs = [network.survey(world.rows, samples=SAMPLES) for _ in range(ROUNDS)]
        found = runs[0][0]
        addresses = [one.address for candidate in found for one in candidate.asked]
        wait_s = f"{TIMEOUT_S:g}"
        words = [sys.executable, "-c", TIMER, "chroot", str(net_image(print)), "ntpdig", "-t", wait_s, *addresses]
        ntpdig = json.loads(network.sandbox.run(words, host=CLIENT, timeout=900).out)
    floor = median(floor_s(*one) for one in runs)
    cpu_s, mib = (median(getattr(figures, name) for _, figures in runs) for name in ("cpu_s", "mib"))
    load = Path("/proc/loadavg").read_text().split()[0]
    print(f"\na survey of {len(world.rows)} servers, {len(addresses)} addresses; {os.cpu_count()} CPUs, load {load}")
    print(f"  {'':<44} {'took':>9} {'floor':>8} {'CPU':>10} {'memory':>10}")
    line(f"what it must last, {SAMPLES} times each", floor, floor, 0, 0)
    line("ntpjoin, asking alone", median(figures.asking_s for _, figures in runs), floor, cpu_s, mib)
    line("ntpjoin, with names and choice", median(figures.survey_s for _, figures in runs), floor, cpu_s, mib)
    line("ntpdig, once each", ntpdig[0], floor, *ntpdig[1:])
    print("  ntpdate -q of ntpsec is ntpdig in a shell; classic ntpdate and sntp are not in the lab's images")


if __name__ == "__main__":
    surveys()
