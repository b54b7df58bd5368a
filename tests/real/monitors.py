"""What reads our outputs, and how it takes them: `promtool check metrics` a page of metrics, Icinga 2's core a plugin's line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from tests.lab import images
from tests.lab.process import Log, Result, run
from tests.lab.trees import tree

#: Where images.in_folder lays the folder.
THERE = "/mnt"

#: The plugin: it says what was recorded, and notes that it was asked, and that it was asked again.
PLUGIN = f"cd {THERE} && {{ mv $0.once $0.twice || touch $0.once; }} 2>&-; cat $0.line; exit $1"

CONFIGURATION = """
object CheckerComponent "checker" {{ }}
object CheckCommand "recorded" {{ command = [ "sh", "-c", {plugin}, "$number$", "$code$" ] }}
object Host "host" {{ check_command = "recorded", enable_active_checks = false }}
template Service "recorded" {{
  host_name = "host", check_command = "recorded"
  check_interval = 1s, retry_interval = 1s
}}
"""
SERVICE = 'object Service "{number}" {{ import "recorded", vars.number = "{number}", vars.code = "{code}" }}\n'

#: The core asks a plugin again when it has taken its answer. What it knows then is written down as it ends.
UNTIL_ASKED_AGAIN = """
"$@" >core.log 2>&1 & core=$!
until [ "$(ls | grep -c 'twice$')" = "$0" ]; do kill -0 $core || exit; sleep 0.1; done
kill -INT $core
wait $core
"""
FOLDERS = ("cache", "data", "log", "run", "spool")
SETTINGS = {
    "RunAsUser": "root",
    "RunAsGroup": "root",
    "InitRunDir": f"{THERE}/run",
    "PidPath": f"{THERE}/run/pid",
    "DataDir": f"{THERE}/data",
    "CacheDir": f"{THERE}/cache",
    "LogDir": f"{THERE}/log",
    "SpoolDir": f"{THERE}/spool",
}

#: In the core's own language: what its parser reads in each value of the performance data; null where it refuses one.
READ = """
Json.encode({data}.map((one) => {{
  try {{ var read = parse_performance_data(one); return [ read.label, read.value, read.unit, read.warn, read.crit ] }}
  except {{ return null }}
}}))
"""


@dataclass(frozen=True)
class Datum:
    """A value of the performance data. The core reads no ranges: a threshold that is more than a number is None."""

    value: float
    unit: str
    warn: Optional[float]
    fail: Optional[float]


@dataclass(frozen=True)
class Taken:
    """A plugin's answer as the core took it. `refused`: what it found in the performance data and could not read."""

    state: int
    text: str
    data: Mapping[str, Datum]
    refused: tuple[str, ...] = ()


def promtool(page: str, log: Log) -> Result:
    """`promtool check metrics`: 0 where it finds nothing to say."""
    words = ["chroot", str(tree("monitors", log)), "promtool", "check", "metrics"]
    return run(words, text=page, timeout=60)


def icinga(answers: Mapping[str, tuple[str, int]], folder: Path, log: Log) -> dict[str, Taken]:
    """Run the core until it has heard every plugin: what each prints, and the code with which it exits."""
    root = tree("monitors", log)
    for name in FOLDERS:
        (folder / name).mkdir()
    configuration = CONFIGURATION.format(plugin=json.dumps(PLUGIN.replace("$", "$$")))
    for number, (line, code) in enumerate(answers.values()):
        (folder / f"{number}.line").write_text(line)
        configuration += SERVICE.format(number=number, code=code)
    (folder / "icinga2.conf").write_text(configuration)
    defined = [f"-DConfiguration.{name}={value}" for name, value in SETTINGS.items()]
    core = ["icinga2", "daemon", "-c", f"{THERE}/icinga2.conf", *defined]
    script = ["sh", "-c", f"cd {THERE}{UNTIL_ASKED_AGAIN}", str(len(answers)), *core]
    images.in_folder(folder, root, script)
    kept = folder / "data/icinga2.state"
    assert kept.exists(), (folder / "core.log").read_text()
    results = dict(_services(kept.read_bytes()))
    words = [word for result in results.values() for word in result["performance_data"] or ()]
    asked = READ.format(data=json.dumps(words))
    told = images.in_folder(folder, root, ["icinga2", "console", "--eval", asked])
    read = dict(zip(words, json.loads(json.loads(told.out))))
    return {name: _taken(results[str(number)], read) for number, name in enumerate(answers)}


def _services(state: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """The last result of each service, of the state that a core leaves behind: JSON objects in netstrings."""
    while state:
        size, _, rest = state.partition(b":")
        thing = json.loads(rest[: int(size)])
        state = rest[int(size) + 1 :]
        if thing["type"] == "Service":
            yield thing["name"].partition("!")[2], thing["update"]["last_check_result"]


def _taken(result: Mapping[str, Any], read: Mapping[str, Optional[list[Any]]]) -> Taken:
    words = result["performance_data"] or ()
    data = {found[0]: Datum(*found[1:]) for found in map(read.__getitem__, words) if found}
    return Taken(int(result["state"]), result["output"], data, tuple(word for word in words if not read[word]))
