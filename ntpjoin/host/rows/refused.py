"""Systems that are known and not supported, each with the reason and what could be done."""

from __future__ import annotations

from ntpjoin.host.rows.redhat import EL
from ntpjoin.systems import Match, Refusal

_OLD = "it is past its end of life, and its ntpd is too old"
_UPGRADE = "upgrade it first, or set up another machine"

#: Counts before any row: the same ID has one.
IMAGE_BASED = Refusal(
    Match(("fedora",), variants=("coreos", "iot", "kinoite", "onyx", "sericea", "silverblue")),
    "its system is an image, to which packages are not added while it runs",
    "use the Server or Cloud edition",
)

REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        Match(("amzn",), versions=(2023,)),
        "Amazon Linux 2023 has chrony only, and no package of ntpd",
        "a server for the pool may run chrony, by hand; or use a system of the table",
    ),
    Refusal(Match(("amzn",)), _OLD, _UPGRADE),
    Refusal(
        Match(("alpine",)),
        "it has neither an ntpd of the Network Time Foundation nor NTPsec with its scripts for systemd or init",
        "use a system of the table; in a container, run ntpjoin on its host",
    ),
    Refusal(Match((*EL, "scientific"), versions=(6, 7)), _OLD, _UPGRADE),
    Refusal(Match(("sles", "sles_sap"), versions=(11, 12)), _OLD, _UPGRADE),
    Refusal(Match(("fedora",)), _OLD, _UPGRADE),
    Refusal(
        Match(("opensuse-leap", "sles", "sles_sap"), versions=(16,)),
        "it has no package of ntpd, only chrony",
        "a server for the pool may run chrony, by hand; or use a system of the table",
    ),
    Refusal(Match(("debian", "raspbian", "devuan"), versions=tuple(range(11))), _OLD, _UPGRADE),
    Refusal(Match(("ubuntu",), versions=tuple(range(4, 20))), _OLD, _UPGRADE),
)

UNKNOWN = Refusal(
    Match(()),
    "it is in no row of the table",
    "docs/reference/supported-systems.md lists what is, and how a system is added",
)
