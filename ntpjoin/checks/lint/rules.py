"""Each rule of lint, and where it comes from. Pure data; what a rule asks and when it fails stands in docs/reference/lint.md."""

from __future__ import annotations

_JOIN = "https://www.ntppool.org/join.html"
_CONFIGURATION = "https://www.ntppool.org/join/configuration.html"
_ACCOPT = "https://docs.ntpsec.org/latest/accopt.html"
_LANGUAGE = "the engine's parser: ntp_parser.y, ntp_config.c"

#: By their ids: those of `verify` where the question is the same.
SOURCES: dict[str, str] = {
    "config.syntax": _LANGUAGE,
    "config.engine": _LANGUAGE,
    "config.version": "NEWS of the engine, and its parser in each release",
    "config.value": _LANGUAGE,
    "config.ignored": _LANGUAGE,
    "config.fatal": _LANGUAGE,
    "config.keys": "https://docs.ntpsec.org/latest/authentic.html; start-ntpd of openSUSE",
    "config.name": _ACCOPT,
    "config.lines": "https://docs.ntpsec.org/latest/miscopt.html",
    "config.unread": "https://docs.ntpsec.org/latest/miscopt.html",
    "config.overridden": _LANGUAGE,
    "config.smear": "RFC 8633, 3.7.1",
    "leapfile": "RFC 8633, 3.7 and A.4",
    "service.listens": "https://docs.ntpsec.org/latest/miscopt.html; ntp_io.c",
    "sync.peer": _ACCOPT,
    "sync.offset": "https://docs.ntpsec.org/latest/miscopt.html",
    "upstreams.pool": f"{_JOIN}; {_CONFIGURATION}",
    "upstreams.count": f"{_CONFIGURATION}; RFC 8633, 3.2",
    "upstreams.twice": f"{_CONFIGURATION}; RFC 8633, 3.2",
    "upstreams.minsane": "https://docs.ntpsec.org/latest/miscopt.html; ntpd.c of NTPsec, check_minsane",
    "upstreams.maxclock": "https://docs.ntpsec.org/latest/miscopt.html",
    "upstreams.smear": "RFC 8633, 3.7.1; https://developers.google.com/time/faq",
    "upstreams.local": _CONFIGURATION,
    "upstreams.orphan": f"{_CONFIGURATION}; https://docs.ntpsec.org/latest/orphan.html",
    "upstreams.manners": "https://www.ntppool.org/use.html; https://docs.ntpsec.org/latest/assoc.html",
    "access.serve": f"{_ACCOPT}; https://github.com/ntppool/monitor",
    "access.noquery": f"{_CONFIGURATION}; RFC 8633, 3.4; CVE-2013-5211",
    "access.nomodify": _CONFIGURATION,
    "access.limited": f"{_CONFIGURATION}; {_ACCOPT}",
    "access.nopeer": _CONFIGURATION,
    "access.open": _ACCOPT,
}
