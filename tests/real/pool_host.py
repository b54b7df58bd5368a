"""The pool's web site and its validation service on a host of the lab, as a program: `python -m tests.real.pool_host ADDED CA`.

ADDED holds what its operators have added, a line each: the address, and since when in seconds since 1970; from then on it was
well. The authority that signs its certificate is written to CA.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import trustme

from tests.pool_site import Site, good, server
from tests.web_server import Request, WebServer, page

NAMES = ("www.ntppool.org", "validate4.ntppool.dev", "validate6.ntppool.dev")
LINK = "https://manage.ntppool.org/manage/server/verify/9dCkq2X-_b7LuJ"


class Pool:
    """Answers by what is added at the time."""

    def __init__(self, added: Path) -> None:
        self._added = added

    def __call__(self, request: Request) -> Iterable[bytes]:
        since_s = {address: float(since) for address, since in map(str.split, self._added.read_text().splitlines())}
        if request.path == "/p/":
            known = request.client in since_s
            return [page(f"To verify this server, visit\n{LINK}\n".encode()) if known else page(b"", "404 Not Found")]
        now_s = time.time()
        site = Site(*(server(one, good(), since, now_s) for one, since in since_s.items()), now_s=now_s)
        site.url = f"https://{NAMES[0]}"
        return site(request)


def main(added: str, authority: str) -> None:
    ca = trustme.CA()
    certificate = ca.issue_cert(*NAMES)
    pool = Pool(Path(added))
    with contextlib.ExitStack() as doors:
        for address in ("0.0.0.0", "::"):
            doors.enter_context(WebServer(pool, certificate, address=address, port=443))
        new = Path(f"{authority}.new")
        ca.cert_pem.write_to_path(new)
        new.replace(authority)
        signal.pause()  # until the lab ends it


if __name__ == "__main__":
    main(*sys.argv[1:])
