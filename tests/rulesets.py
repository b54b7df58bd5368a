"""The rulesets of tests/golden/firewall: what to load, what becomes of a client that asks, and what a Debian 12 said of it."""

from __future__ import annotations

import json
import lzma
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Optional

from ntpjoin.firewall import Places
from ntpjoin.model import Family

FOLDER = Path(__file__).parent / "golden" / "firewall"
FAMILIES: tuple[Family, Family] = ("IPv4", "IPv6")


@dataclass(frozen=True)
class Case:
    """One ruleset. `admits` is what must be said of it, `answered` what a client sees."""

    tool: str
    name: str
    text: str
    admits: Mapping[Family, Optional[bool]]
    answered: Mapping[Family, bool]
    limited: bool

    def __str__(self) -> str:
        return f"{self.tool}-{self.name}"

    @property
    def captured(self) -> dict[str, str]:
        """What the programs said of it on a Debian 12, by program."""
        return captured("rulesets")[str(self)]

    def loads(self) -> list[tuple[list[str], str]]:
        """Programs that load it, with what they read."""
        if self.tool == "nft":
            return [(["nft", "-f", "-"], f"flush ruleset\n{self.text}")]
        saves = [
            ("".join(f"{line.lstrip('46')}\n" for line in self.text.splitlines() if line[:1] != other), program)
            for program, other in (("iptables", "6"), ("ip6tables", "4"))
        ]
        return [(["nft", "flush", "ruleset"], ""), *(([f"{program}-restore"], text) for text, program in saves)]


@lru_cache
def captured(name: str) -> dict[str, dict[str, str]]:
    """All captures of one file: by case what each command printed. Made on Debian 12, see README.md beside them."""
    pages: dict[str, dict[str, str]] = json.loads(lzma.decompress((FOLDER / f"{name}.json.xz").read_bytes()))
    return pages


def sections(name: str) -> Iterator[tuple[str, list[str], str]]:
    """Of one file of cases: name, words of the head, lines."""
    for head, body in re.findall(r"^== (.*)\n((?:(?!== ).*\n?)*)", (FOLDER / name).read_text(), re.MULTILINE):
        title, _, words = head.partition(": ")
        yield title, words.split(), body


def cases(tool: str) -> Iterator[Case]:
    """All of one tool."""
    for name, told, body in sections(f"{tool}.txt"):
        admits = {family: None if word[0] == "?" else word == "yes" for family, word in zip(FAMILIES, told)}
        answered = {family: word.endswith("yes") for family, word in zip(FAMILIES, told)}
        yield Case(tool, name, body, admits, answered, "limited" in told)


ALL = (*cases("nft"), *cases("iptables"))


@dataclass(frozen=True)
class Managed:
    """What an operator has told a manager, and what must be seen then."""

    manager: str
    name: str
    commands: tuple[tuple[str, ...], ...]
    lets_in: Mapping[Family, bool]
    opens: tuple[str, ...]
    remedy: tuple[str, ...]
    limit: str
    places: Optional[Places]

    def __str__(self) -> str:
        return f"{self.manager} {self.name}"

    @property
    def captured(self) -> dict[str, str]:
        """What each command printed, and under the paths of files what was in them."""
        return captured("managers")[str(self)]


def managed() -> Iterator[Managed]:
    """All of them."""
    for title, told, body in sections("managers.txt"):
        manager, _, name = title.partition(" ")
        known: dict[str, list[str]] = {"opens": [], "type": [], "limit": [], "places": []}
        commands = []
        for line in filter(None, body.splitlines()):
            word, _, rest = line.partition(" ")
            if word in known:
                known[word].append(rest)
            else:
                commands.append(
                    tuple(line.split(maxsplit=4) if line.startswith("nft add chain") else shlex.split(line))
                )
        now, later, rule = (known["places"][0] if known["places"] else "public | public | service=ntp").split(" | ")
        yield Managed(
            manager,
            name,
            tuple(commands),
            {family: word == "yes" for family, word in zip(FAMILIES, told) if word != "-"},
            tuple(known["opens"][0].split()) if known["opens"] else (),
            tuple(known["type"]),
            known["limit"][0] if known["limit"] else "",
            Places((now,), (later,), rule) if manager == "firewalld" else None,
        )


MANAGED = tuple(managed())
