"""What ntpjoin costs beside the programs it is made of, as ratios measured in one run: make bench. Nothing is asserted.

`python -m tests.bench --lab` measures a server in a virtual machine too.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from tests.bench_survey import surveys
from tests.lab import Lab, Server
from tests.lab.hosts import HOSTS

ROOT = Path(__file__).parents[1]
PYZ = ROOT / "dist" / "ntpjoin.pyz"
HOME = Path(sys.executable).parent
FIVE = "import click, dns.resolver, distro, jinja2, ntplib"
CLICK = "python -c 'import click'"
LATER = ("distro", "dns", "jinja2", "ntplib")
BY_HAND_UNTIL = "… and ntpd until it has a peer"
NAMES = ("alpha", "bravo", "charlie", "delta", "echo")
ROUNDS = 11

#: Runs in the server, so that the way there is not measured: commands by name, all run in turn, to the median of each, in seconds.
TIMER = """
import json, resource, subprocess, sys, time
from statistics import median
MODE, ROUNDS, COMMANDS = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
def once(argv):
    began, spent = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    took, now = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if MODE == "cpu":
        took = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
    if done.returncode:
        sys.exit(f"{argv}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return took
rounds = [{name: once(argv) for name, argv in COMMANDS.items()} for _ in range(ROUNDS)]
print(json.dumps({name: median(round[name] for round in rounds) for name in COMMANDS}))
"""

#: What an administrator would do by hand and nothing else: packages, a configuration, the clock set once, the daemon until it
#: has a system peer.
BY_HAND = """
set -e
apt-get -q -y -o Acquire::Max-FutureTime=10000 update
DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends ntpsec
cut -d. -f1 /proc/uptime >/run/installed
systemctl stop ntpsec
printf 'driftfile /var/lib/ntpsec/ntp.drift\\nrestrict 127.0.0.1\\nrestrict ::1\\n' >/etc/ntpsec/ntp.conf
for address in {addresses}; do echo "server $address iburst" >>/etc/ntpsec/ntp.conf; done
ntpd -g -q -u ntpsec:ntpsec -c /etc/ntpsec/ntp.conf
systemctl start ntpsec
timeout 600 sh -c "until ntpq -c 'rv 0 leap,peer' | grep -q 'leap=00.*peer=[1-9]'; do sleep 0.5; done"
"""


def cpu(argv: Sequence[str], env: Mapping[str, str]) -> float:
    """The seconds of CPU that a command and its children take."""
    null = subprocess.DEVNULL
    process = subprocess.Popen(argv, stdin=null, stdout=null, stderr=null, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(argv)}: exit {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def interleaved(commands: Mapping[str, Sequence[str]], env: Mapping[str, str], rounds: int) -> dict[str, float]:
    """The median CPU seconds of each command, all run in turn, so that what else the machine does falls on all of them alike."""
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, argv in commands.items():
            took[name].append(cpu(argv, env))
    return {name: median(seconds) for name, seconds in took.items()}


def table(title: str, took: Mapping[str, float], base: str) -> None:
    """One line a measurement: how long it took, and how often the base fits into it."""
    print(f"\n{title}")
    for name, seconds in took.items():
        told = f"{seconds * 1000:7.0f} ms" if seconds < 10 else f"{seconds:7.1f} s "
        print(f"  {name:<34} {told} {seconds / took[base]:7.1f} x", flush=True)


def start_up() -> None:
    """Starting ntpjoin, as the installed wheel and as one file, beside importing click: what any program with commands pays."""
    python = str(HOME / "python")
    with tempfile.TemporaryDirectory() as site:
        install_into(Path(site))
        program, archive = [python, "-c", "from ntpjoin.cli import main; main()"], [python, str(PYZ)]
        commands: dict[str, Sequence[str]] = {
            "python -c pass": [python, "-c", "pass"],
            CLICK: [python, "-c", "import click"],
            "ntpjoin --help, installed": [*program, "--help"],
            "ntpjoin --help, archive": [*archive, "--help"],
            "ntpjoin setup --help, installed": [*program, "setup", "--help"],
            "ntpjoin setup --help, archive": [*archive, "setup", "--help"],
            "python -c 'import all five'": [python, "-c", FIVE],
        }
        title = f"start-up: CPU with children, median of {ROUNDS}"
        table(title, interleaved(commands, {**os.environ, "PYTHONPATH": site}, ROUNDS), CLICK)


def install_into(site: Path) -> None:
    """The wheel, with its dependencies."""
    subprocess.run([HOME / "pip", "install", "--quiet", "--target", site, ROOT], check=True)


def modules() -> None:
    """What `ntpjoin --help` imports."""
    tell = "import sys; print(*sorted(sys.modules), file=sys.stderr)"
    helped = f"from ntpjoin.cli import cli; cli.main(['--help'], standalone_mode=False); {tell}"
    empty, full = (set(said([str(HOME / "python"), "-c", code]).split()) for code in (tell, helped))
    late = [name for name in LATER if name in full]
    print(f"\nmodules imported by --help: {len(full)}; by python -c pass: {len(empty)}")
    print(f"  of {', '.join(LATER)}: {', '.join(late) or 'none'}")


def said(argv: Sequence[str]) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stderr


def inside(server: Server, rounds: int, commands: Mapping[str, Sequence[str]], mode: str = "clock") -> dict[str, float]:
    """The median seconds of each command on the server: by its own clock that nobody sets, or of CPU, children included."""
    done = server.run(["python3", "-c", TIMER, mode, str(rounds), json.dumps(commands)], check=True, timeout=1800)
    took: dict[str, float] = json.loads(done.out)
    return took


def on_a_server() -> None:
    """A fresh set-up beside the same by hand, and a set-up that finds nothing to do beside what it asks."""
    with Lab() as lab:
        server = lab.boot_server(clock_offset=-7200)
        server.checkpoint("fresh")
        addresses = " ".join(filter(None, (HOSTS[name].ipv4 or HOSTS[name].ipv6 for name in NAMES)))
        began = float(server.run(["cut", "-d.", "-f1", "/proc/uptime"], check=True).out)
        took = inside(server, 1, {BY_HAND_UNTIL: ["sh", "-c", BY_HAND.format(addresses=addresses)]})
        installed = float(server.run(["cat", "/run/installed"], check=True).out) - began
        server.rollback("fresh")
        server.put(PYZ, "/usr/local/bin/ntpjoin")
        upstreams = [word for name in NAMES for word in ("--upstream", HOSTS[name].name)]
        wish = ["--yes", "--allow-step", "--allow-private", *upstreams]
        fresh = inside(server, 1, {"ntpjoin setup": ["ntpjoin", "setup", *wish]})
        table("a fresh server", {"apt-get update, install ntpsec": installed, **took, **fresh}, BY_HAND_UNTIL)
        asked = {
            "python3 -c pass": ["python3", "-c", "pass"],
            "systemctl show ntpsec": ["systemctl", "show", "ntpsec"],
            "ntpq -pn": ["ntpq", "-pn"],
            "ntpjoin verify": ["ntpjoin", "verify"],
            "ntpjoin setup, nothing to do": ["ntpjoin", "setup", "--yes"],
        }
        table("a server that is set up", inside(server, 5, asked), "python3 -c pass")
        in_cpu_time(server)


def in_cpu_time(server: Server) -> None:
    """What a converged server costs beside importing click: the wheel installed with its dependencies, and the one file.

    What the programs take that list the firewall's rules is no doing of ours: `verify` is told without it, too.
    """
    with tempfile.TemporaryDirectory() as scratch:
        site, packed = Path(scratch) / "site", Path(scratch) / "site.tar"
        # Pure Python but for MarkupSafe, which does without its C part where that does not fit.
        install_into(site)
        subprocess.run(["tar", "-C", site, "-cf", packed, "."], check=True)
        server.put(packed, "/root/site.tar")
    target = "/usr/local/lib/python3.11/dist-packages"
    server.run(["mkdir", "-p", target], check=True)
    server.run(["tar", "-C", target, "--warning=no-timestamp", "-xf", "/root/site.tar"], check=True)
    server.run(["python3", "-m", "compileall", "-q", target], check=True, timeout=600)
    installed = ["python3", "-c", "from ntpjoin.cli import main; main()"]
    programs = {"installed": installed, "archive": ["ntpjoin"]}
    words = {"ntpjoin --help": ["--help"], "verify": ["verify"], "setup, nothing to do": ["setup", "--yes"]}
    filtering = firewall_tools(server)
    commands = {
        CLICK: ["python3", "-c", "import click"],
        "python3 -c pass": ["python3", "-c", "pass"],
        **{shlex.join(argv): argv for argv in filtering},
        **{f"{name}, {kind}": [*program, *more] for name, more in words.items() for kind, program in programs.items()},
    }
    took = inside(server, ROUNDS, commands, "cpu")
    without = sum(took[shlex.join(argv)] for argv in filtering)
    for kind in programs:
        took[f"verify without those tools, {kind}"] = took[f"verify, {kind}"] - without
    table(f"a server that is set up: CPU with children, median of {ROUNDS}", took, CLICK)


def firewall_tools(server: Server) -> list[list[str]]:
    """The programs that `verify` starts to see the firewall's rules."""
    told = server.run(["ntpjoin", "verify", "--verbose"], check=True).err
    return [
        shlex.split(line)
        for line in re.findall(r"^  \+ ((?:nft|ufw|firewall-cmd|ip6?tables)\b.*)$", told, re.MULTILINE)
    ]


def main(words: Sequence[str]) -> int:
    start_up()
    modules()
    surveys()
    if "--lab" in words:
        on_a_server()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
