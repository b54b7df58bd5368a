"""The page that leads from a fresh server into the pool and out again, typed line by line: what it shows is what comes."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo import COLOUR, REDRAWN
from tests.lab import Lab, Server
from tests.lab.hosts import SERVER4, SERVER6, SERVICES4, SERVICES6, Host
from tests.lab.namespaces import STATE, Daemon
from tests.lab.network import add_host
from tests.lab.process import wait_for
from tests.real import operator, outsider
from tests.real.planted.host import Host as Member
from tests.real.pool_host import NAMES
from tests.real.test_catalogue import CATALOGUE, FILE

pytestmark = [pytest.mark.real, pytest.mark.campaign]

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "how-to" / "join-the-pool.md"
CARRIED, HOME = "/root/ntpjoin.pyz", "/root"
FOLDER = STATE / "pool"
ADDED, CA = FOLDER / "added", FOLDER / "ca.pem"

#: So many steps, `setup` and `verify`, are typed at once; the page says of the next that it is for some minutes later.
FRESH = 2

#: Only here: the lab's addresses are documentation, its catalogue is its own.
LABS_OWN = {"setup": f"--allow-private --catalogue {FILE}", "probe": "--allow-private"}


def shown() -> list[tuple[str, list[str]]]:
    """Each command that the page shows, and what it says comes of it."""
    blocks = re.findall(r"^```\n\$ (.+)\n((?:(?!```).*\n)*)```$", PAGE.read_text(), re.MULTILINE)
    return [(command, text.splitlines()) for command, text in blocks]


ADDRESS = re.compile(r"\b(\d+(\.\d+){3}|[0-9a-f]+(:[0-9a-f]*)+)\b")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)*( (s|min|h))?\b")


def plain(line: str) -> str:
    """Without what differs from time to time: numbers, addresses, and how wide they make a column."""
    return re.sub(r"\s+", " ", NUMBER.sub("0", ADDRESS.sub("0", line))).strip()


def missing(page: list[str], printed: list[str]) -> list[str]:
    """The page's lines that were not printed, in this order; … stands for what is left out, lines or the end of one."""
    left = [plain(line) for line in printed]
    absent = []
    for line in page:
        wanted = plain(line)
        if wanted == "…":
            continue
        begins = wanted.removesuffix("…").rstrip()
        places = [at for at, one in enumerate(left) if one == wanted or (begins != wanted and one.startswith(begins))]
        if places:
            left = left[places[0] + 1 :]
        else:
            absent.append(line)
    return absent


def test_a_page_that_is_wrong_is_seen() -> None:
    printed = ["one 1.5 s", "two, and so on", "three"]
    assert missing(["one 2 s", "…", "two, …", "three"], printed) == []
    assert missing(["one 2 s", "four"], printed) == ["four"]
    assert missing(["three", "one 1 s"], printed) == ["one 1 s"]
    assert plain("follows 192.0.2.13  at -1.5 ms") == plain("follows 2001:db8:2::12 at +20 ms")


class Pool:
    """The lab's own, and what was added there."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def add(self, ago_s: float) -> None:
        """The server's operator has added it, so long ago."""
        lines = "".join(f"{one} {time.time() - ago_s}\n" for one in (SERVER4, SERVER6))
        self.lab.sandbox.write(ADDED, lines)


@pytest.fixture
def pool(lab: Lab, server: Server) -> Iterator[Pool]:
    """It can be reached by its names, and the server trusts its certificate."""
    host = Host("services", 90)
    if not lab.sandbox.outside(Path("/run/netns/pool")).exists():
        add_host(lab.sandbox, "pool", host)
    lab.sandbox.write(ADDED, "")
    authority = lab.sandbox.outside(CA)
    authority.unlink(missing_ok=True)
    records = [f"{name}. {kind} {address}" for name in NAMES for kind, address in _addresses(name)]
    lab.dns.add("\n".join(records), zone="root")
    words = [f"--chdir={REPOSITORY}", sys.executable, "-m", "tests.real.pool_host", str(ADDED), str(CA)]
    daemon = Daemon(lab.sandbox, "pool", "pool", ["env", *words], tree=False)
    daemon.start()
    try:
        wait_for(lambda: authority.exists() or None, 60, "the pool's site answers")
        server.put(authority, "/usr/local/share/ca-certificates/lab-pool.crt", mode=0o644)
        server.run(["update-ca-certificates"], check=True, timeout=60 * server.slowness)
        yield Pool(lab)
    finally:
        daemon.stop()
        lab.heal()


def _addresses(name: str) -> list[tuple[str, str]]:
    both = [("A", f"{SERVICES4}90"), ("AAAA", f"{SERVICES6}90")]
    return both[:1] if "4" in name else both[1:] if "6" in name else both


def typed(server: Server, command: str) -> list[str]:
    """The command on a terminal of the server, with yes to what it asks."""
    words = command.removeprefix("sudo ")
    extra = LABS_OWN.get(words.split()[1], "")
    line = f"cd {HOME} && stty cols 120 && {words.replace('ntpjoin ', './ntpjoin.pyz ', words.startswith('ntpjoin '))} {extra}"
    done = server.run(["sh", "-c", line], timeout=240 * server.slowness, tty=True, input="y\n")
    text = COLOUR.sub("", REDRAWN.sub("", done.out.replace("\r\n", "\n")))
    print(f"\n$ {command}\n{text}[{done.code}]", flush=True)
    return text.splitlines()


def from_outside(lab: Lab, command: str) -> list[str]:
    """The command on the lab's client, by nobody."""
    words = command.split()[1:]
    text = outsider.run(lab, *words, *LABS_OWN[words[0]].split()).out
    print(f"\nclient$ {command}\n{text}", flush=True)
    return text.splitlines()


def run(lab: Lab, server: Server, command: str) -> list[str]:
    """Type it where the page says: `sudo` and `score` on the server, the rest on another machine."""
    if " probe " in command:
        return from_outside(lab, command)
    return typed(server, command)


def test_every_step_is_as_the_page_shows_it(lab: Lab, server: Server, pool: Pool) -> None:
    server.put(operator.PYZ, CARRIED)
    server.run(["tee", FILE], input=CATALOGUE, check=True)
    server.run(["timedatectl", "set-timezone", "Europe/Berlin"], check=True)
    member = Member(lab, server)
    member.set_clock(0)
    steps = shown()
    # What the operator and the time do before these: nothing yet; it was added; ten hours have passed.
    added_ago_s = iter((None, 300.0, 12 * 3600.0))
    wrong: dict[str, list[str]] = {}
    for number, (command, page) in enumerate(steps, 1):
        if number > FRESH:
            member.until("the daemon is grown", lambda: member.age_s() > 305 and member.selected() >= 4, 900)
        if " register" in command or " score" in command:
            ago_s = next(added_ago_s)
            if ago_s:
                pool.add(ago_s)
        wrong[f"{number}. {command}"] = missing(page, run(lab, server, command))
    assert len(steps) == 7
    assert {command: lines for command, lines in wrong.items() if lines} == {}
