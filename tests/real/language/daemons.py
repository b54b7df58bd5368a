"""The three daemons, and what each complains of: of one line below a healthy configuration, or where many lines are no syntax."""

from __future__ import annotations

import codecs
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from ntpjoin.checks.access import TO_THE_WORLD
from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.lint import lint
from ntpjoin.checks.lint.parser import parse
from ntpjoin.checks.lint.scanner import LONGEST
from ntpjoin.host import ntpconf
from ntpjoin.look.texts import Texts
from ntpjoin.model import Check
from tests.lab import images
from tests.lab.process import ENVIRONMENT, Log
from tests.lab.trees import tree
from tests.real.language import sentences

HERE = Path(__file__).parent
COMPLAINER = HERE / "complainer.py"
CONFIG = "/run/ntp.conf"

#: What both engines complain of last, whatever they have read: fudge is looked at after all else.
END = "fudge 192.0.2.77 time1 0"
ENDS = "address 192.0.2.77 for the fudge command"

#: What is no word of any directive.
NO_WORD = "bogus"

#: Empty lines between two that are tried together: behind an error bison stays silent for three words.
GAP = "\n\n\n\n"

#: What is no complaint of the configuration: who it is, what it does, and what is missing where it is tried: devices, files, DNS,
#: rights, networks.
QUIET = re.compile(
    "|".join([
        # who it is, and what it does
        r"Starting$", "Command line:", "^-+$", "ntp-4 is maintained", r"^Inc\. \(NTF\)", r"^corporation\.", "^available at", "^$",
        "precision =", "basedate set", "gps base set", "Listen ", "Listening on", "readconfig: parsing", "SO_TIMESTAMPNS",
        "mobilize assoc", r"MRU \d+ entries", "Built with", "Running with", "exiting on signal", "NTSc: Using system",
        "NTS: set (ciphersuites|ecdhcurves)",
        r"Found \d+ trusted keys", "clamp-systime", "switching logging", r"0\.0\.0\.0 c0", "Poking hole", re.escape(ENDS),
        # rights and files
        "RLIMIT_(MEMLOCK|CORE|NOFILE)", "ntp_adjtime", "statistics directory", "leapsecond file", "authreadkeys",
        "Cannot open logfile", "NTSc: (can't stat|Can't use|Troubles)", "x509 certificate routines",
        # reference clocks
        "refclock_(open|atom|pps)", "open of /dev", "open failed: No such", r"device open\(", "is not a character device",
        r"/dev/\S+ failed", r"local addr 127\.0\.0\.1 -> <null>", "audio_", r"ONCORE\[", "Datum_PTS", "MSF_ARCRON", "NeoClock4X",
    ])
)  # fmt: skip
_STAMP = re.compile(r"^(\d+ \w+ [\d:]+|[\d-]+T[\d:]+) ntpd\[\d+\]: ")
_PLACE = re.compile(r"syntax error in /run/ntp\.conf line (\d+)")


@dataclass(frozen=True)
class Daemon:
    """One of them: its dialect, and where its root tree comes from."""

    dialect: Dialect
    root: Callable[[Log], Path]

    def __str__(self) -> str:
        return f"{self.dialect.engine}-{self.dialect.version}"


DAEMONS = (
    Daemon(Dialect("classic", "4.2.8p15"), lambda log: tree("bullseye", log)),
    Daemon(Dialect("ntpsec", "1.2.2"), images.net_image),
    Daemon(Dialect("ntpsec", "1.2.3"), lambda log: tree("trixie", log)),
)


def lines() -> list[str]:
    """What is tried: what was thought of, and each word of the table in a line of its own."""
    text = (HERE / "lines.txt").read_text()
    written = [codecs.decode(line, "unicode_escape") for line in text.splitlines() if line and not line.startswith("#")]
    long = [f"driftfile /{'x' * count}" for count in range(LONGEST - 3, LONGEST + 3)]
    return list(dict.fromkeys([*written, *long, *sentences.every().values()]))


def healthy(daemon: Daemon) -> str:
    """A configuration of which neither the daemon nor lint has anything to say."""
    servers = [f"server 198.51.100.{number} iburst" for number in range(11, 16)]
    world = [f"restrict {flags}" for flags in TO_THE_WORLD[daemon.dialect.engine] if "default" in flags]
    head = [
        "driftfile /var/lib/ntp/drift",
        "leapfile /usr/share/zoneinfo/leap-seconds.list",
        "tos minsane 3 minclock 4",
    ]
    return "\n".join([*head, *servers, *world, "restrict 127.0.0.1", "restrict ::1", ""])


@dataclass(frozen=True)
class Answer:
    """What a daemon complained of, and its exit code, None where it ran on."""

    complaints: tuple[str, ...]
    code: Optional[int]

    @property
    def complains(self) -> bool:
        return bool(self.complaints) or self.code is not None


def asked(daemon: Daemon, texts: Sequence[str], last: str = END, ends: str = ENDS) -> Iterator[Answer]:
    """What it says of each configuration, one start each; below each is the line `last`, of which it says `ends`."""
    words = ["unshare", "--net", "--mount", "--propagation", "private"]
    words += ["setpriv", "--pdeathsig", "KILL", "--bounding-set=-sys_time", "--inh-caps=-sys_time"]
    # Its loopback interface is up, as ntpd listens there; ip(8) is not in each tree.
    words += ["sh", "-c", 'ip link set lo up && exec chroot "$@"', "sh", str(daemon.root(print))]
    words += ["python3", "-c", COMPLAINER.read_text()]
    cases = "".join(json.dumps({"text": f"{text}{GAP}{last}\n", "end": ends}) + "\n" for text in texts)
    done = subprocess.run(words, input=cases, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(texts), done.stderr
    for answer in answers:
        said = [_STAMP.sub("", line).strip() for line in answer["said"]]
        told = tuple(dict.fromkeys(line for line in said if not QUIET.search(line)))
        yield Answer(told, answer["code"])


def found(daemon: Daemon, text: str) -> tuple[Check, ...]:
    """What lint finds in a configuration."""
    return lint(Texts(CONFIG, {CONFIG: text}, {}), daemon.dialect)


def no_syntax(daemon: Daemon, tried: Sequence[str]) -> tuple[frozenset[int], frozenset[int]]:
    """Of lines that are tried all at once the places of those that the daemon, and that lint, does not understand."""
    numbers = {number: place for place, number in enumerate(_numbers([*tried, NO_WORD]))}
    end = max(numbers)
    # Where it has read a `logfile`, what it says is not heard any more; of what is no syntax it tells before.
    [answer] = asked(daemon, [GAP.join(tried)], NO_WORD, f"syntax error in {CONFIG} line {end}")
    daemons = {int(match[1]) for line in answer.complaints if (match := _PLACE.search(line))} - {end}
    lints = {place for place, line in enumerate(tried) if parse(ntpconf.lines(line)[0], daemon.dialect).wrong}
    return frozenset(numbers[one] for one in daemons), frozenset(lints)


def _numbers(tried: Sequence[str]) -> Iterator[int]:
    number = 1
    for line in tried:
        yield number
        number += line.count("\n") + len(GAP)
