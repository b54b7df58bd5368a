"""The pool's proof that somebody runs a server: its validation service gives a link to whoever asks from the server's address.

The service and its words are those of abh/ntppool, `docs/manage/tpl/manage/verify_instructions.html`. Nothing is submitted by asking:
the link counts when it is opened by whoever is logged in, within 72 h.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ntpjoin.errors import WireError
from ntpjoin.records import dataclass
from ntpjoin.wire import http

#: One for each family; the pool's page names them.
SERVICES = {4: "https://validate4.ntppool.dev/p/", 6: "https://validate6.ntppool.dev/p/"}
#: Nothing else that comes back is shown, let alone opened.
_LINK = re.compile(
    rb"https://manage\.(?:ntppool\.org|beta\.grundclock\.com)/manage/server/verify/[A-Za-z0-9_-]{8,100}(?=\s|\Z)"
)
_NOT_FOUND = 404


@dataclass(frozen=True)
class Ownership:
    """What became of asking for the link: it, or why there is none."""

    link: str = ""
    problem: str = ""
    remedy: str = ""


def ownership(address: str, source: str, services: Sequence[str] = ()) -> Ownership:
    """Ask for the link of the server at `address`, from `source`, this host's own side of it. Nothing is raised.

    Of several `services` that one is asked which has an address of its family, without any the pool's own. Without a side none is
    asked: the link of another server of the operator's would come.
    """
    pages = tuple(services) or (SERVICES[6 if ":" in address else 4],)
    if not source:
        url = " or ".join(pages)
        why = "not asked for: from which address of this host it is to be asked cannot be told"
        return Ownership(problem=why, remedy=f"from the one that NAT leads to: curl --interface IT {url}")
    try:
        return _asked(pages[0], address, source)
    except http.NoAddress as error:
        rest = pages[1:]
        return ownership(address, source, rest) if rest else Ownership(problem=error.message, remedy=error.remedy)


def _asked(url: str, address: str, source: str) -> Ownership:
    """What one page says; raises NoAddress."""
    try:
        page = http.get(url, most_bytes=1 << 16, source=source)
    except http.Refused as refused:
        elsewhere = f"it knows no server by the address at which it sees {source}: it may be another one than {address}"
        return Ownership(problem=refused.message, remedy=elsewhere if refused.status == _NOT_FOUND else "")
    except http.NoAddress:
        raise
    except WireError as error:
        return Ownership(problem=error.message, remedy=error.remedy)
    found = _LINK.search(page.body)
    if found is None:
        return Ownership(problem=f"{page.url}: what came has no link to prove who runs the server")
    return Ownership(found[0].decode("ascii"))
