"""The list of leap seconds: which one the daemon reads, whether it would believe it, and for how long."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Optional

from ntpjoin.facts import Directive
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import head, place
from ntpjoin.look.files import leapfile_valid
from ntpjoin.surroundings import Leapfile
from ntpjoin.systems import Row

#: From 1900, where the file's seconds begin, to 1970 (RFC 5905, figure 4).
_EPOCH_S = 2_208_988_800
_DAY_S = 86_400
#: The list of 2026 has five thousand bytes; dates that a calendar takes have twelve digits at most.
_LONGEST = 1 << 20
_LAST = 253_402_300_800


def look_leapfile(host: Host, row: Row, directives: Sequence[Directive]) -> Leapfile:
    """The file that the last `leapfile` line names (the daemon reads each, and believes the last), else the system's own."""
    named = [line for line in directives if line.words[0] == "leapfile" and len(line.words) > 1]
    path = named[-1].words[1] if named else row.leapfile
    believed = bool(named) and "ignorehash" in named[-1].words[2:]
    text = head(host, path, _LONGEST)
    date, days = _expiry(text)
    return Leapfile(
        path=path,
        line=str(named[-1]) if named else "",
        place=place(host, path),
        valid=believed or leapfile_valid(text),
        expires=date,
        days=days,
    )


def _expiry(text: str) -> tuple[str, Optional[int]]:
    """The date in the line that begins with #@, and the whole days until then, by this host's clock."""
    found = re.search(r"^#@\s*([0-9]{1,12})\s*$", text, re.MULTILINE)
    if found is None or not 0 <= int(found[1]) - _EPOCH_S < _LAST:
        return "", None
    at = int(found[1]) - _EPOCH_S
    return time.strftime("%Y-%m-%d", time.gmtime(at)), int((at - time.time()) // _DAY_S)
