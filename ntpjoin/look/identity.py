"""As whom the daemon acts, and whether it is still the program that is installed."""

from __future__ import annotations

import re
from typing import Optional

from ntpjoin.host import owners
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import head
from ntpjoin.surroundings import Identity

#: Bit number of CAP_DAC_OVERRIDE (capabilities(7), linux/capability.h).
_CAP_DAC_OVERRIDE = 1

_NUMBER = re.compile("[0-9]{1,10}")


def look_identity(host: Host, pid: int) -> Optional[Identity]:
    """The effective user and groups of a process (proc(5), status); None where it is gone."""
    told = dict(
        re.findall(r"^(Uid|Gid|Groups|CapEff):[ \t]*(.*)$", head(host, f"/proc/{pid}/status", 16384), re.MULTILINE)
    )
    user, group = _effective(told.get("Uid", "")), _effective(told.get("Gid", ""))
    if user is None or group is None:
        return None
    groups = {group, *(int(word) for word in told.get("Groups", "").split() if _NUMBER.fullmatch(word))}
    overrides = bool(_bits(told.get("CapEff", "")) >> _CAP_DAC_OVERRIDE & 1)
    return Identity(user, frozenset(groups), owners.name(user, group), overrides)


def _effective(words: str) -> Optional[int]:
    """The second of the four numbers: real, effective, saved, of the file system."""
    numbers = words.split()
    return int(numbers[1]) if len(numbers) > 1 and _NUMBER.fullmatch(numbers[1]) else None


def _bits(word: str) -> int:
    return int(word, 16) if re.fullmatch("[0-9a-f]{1,32}", word.strip()) else 0


def look_replaced(host: Host, pid: int) -> bool:
    """Whether another program lies now where this process was started from (proc(5), exe); seen by root alone."""
    return host.link_target(f"/proc/{pid}/exe").endswith(" (deleted)")
