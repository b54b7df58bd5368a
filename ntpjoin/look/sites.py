"""The systems that the pool has: the web site of each, and where its servers are managed."""

from __future__ import annotations

from collections.abc import Mapping

#: That of the pool itself, and of the system on which it tries things out.
POOL, BETA = "https://www.ntppool.org", "https://web.beta.grundclock.com"

#: By the site, the page at which one logs in.
MANAGED: Mapping[str, str] = {
    POOL: "https://manage.ntppool.org/manage",
    BETA: "https://manage.beta.grundclock.com/manage",
}


def asking(command: str, site: str) -> str:
    """The command as it is to be typed so that it asks this site."""
    return command if site == POOL else f"{command} --site {site}"
