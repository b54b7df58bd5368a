"""What may stand behind the directives of ntp.conf that have many options. Pure data; the sources are named in `table`."""

from __future__ import annotations

from ntpjoin.checks.lint.language import (
    BOTH,
    CLASSIC,
    NTPSEC,
    Known,
    Limit,
    OneOf,
    Remark,
    Value,
    Word,
    both,
    some,
    valued,
    words,
)
from ntpjoin.model import CheckState

WARN, FAIL = CheckState.WARN, CheckState.FAIL

INTEGER, NAME, TEXT = Value("integer"), Value("name"), Value("text")

#: A name or an address, behind a word that takes the next one for a string.
ADDRESS = OneOf(((TEXT,), (Word("-4", BOTH, (TEXT,)),), (Word("-6", BOTH, (TEXT,)),)))

_MOST = (1 << 32) - 1
_DROPPED, _IGNORED, _AS_ONE = "the line does not count", "it is ignored", "it is taken for 1"
_TRUTH = both(0, 1, _AS_ONE)
_FLAGS = ("flag1", "flag2", "flag3", "flag4")

#: Of server, pool and peer; of refclock, too, which is NTPsec's alone.
PEER = some(
    *words("burst", "iburst", "noselect", "prefer", "true"),
    *words("autokey", "preempt", "xleave", "xmtnonce", known=CLASSIC),
    *words("nts", "noval", known=NTPSEC),
    *valued(
        "unsigned",
        "minpoll",
        limits=(
            Limit("classic", 3, 255, "it asks every 8 s"),
            Limit("ntpsec", 0, 17, "it takes the nearest that it can"),
        ),
    ),
    *valued(
        "unsigned",
        "maxpoll",
        limits=(Limit("classic", 0, 17, "it takes 17"), Limit("ntpsec", 0, 17, "it takes the nearest that it can")),
    ),
    *valued("unsigned", "version", limits=both(0, 254, _DROPPED, lost=True)),
    *valued(
        "unsigned",
        "key",
        limits=(Limit("classic", 0, _MOST - 1, _DROPPED, lost=True), Limit("ntpsec", 0, 65534, _DROPPED, lost=True)),
    ),
    *valued("unsigned", "mode"),
    *valued("unsigned", "ttl", known=CLASSIC, limits=both(0, 7, _DROPPED, lost=True)),
    *valued("text", "ident", known=CLASSIC),
    *valued("unsigned", "baud", "subtype", known=NTPSEC),
    *valued("unsigned", "holdover", known=Known(None, "", "1.2.4")),
    *valued("integer", "stratum", known=NTPSEC, limits=both(0, 16, _IGNORED)),
    *valued("number", "bias", "time1", "time2", known=NTPSEC),
    *valued("boolean", *_FLAGS, known=NTPSEC, limits=_TRUTH),
    *valued("text", "aead", "path", "ppspath", "refid", known=NTPSEC),
    *valued("name", "ca", known=NTPSEC),
    Word(
        "cert",
        NTPSEC,
        (NAME,),
        (Remark("ntpsec", "config.value", FAIL, f"known, but not of a server: {_DROPPED}", lost=True),),
    ),
    least=0,
)

#: Of fudge.
FUDGE = some(
    *valued("number", "time1", "time2"),
    *valued("number", "minjitter", known=CLASSIC),
    *valued("boolean", *_FLAGS, limits=_TRUTH),
    *valued("integer", "stratum", limits=both(0, 16, _IGNORED)),
    *valued("text", "refid"),
    Word(
        "abbrev",
        CLASSIC,
        (TEXT,),
        (Remark("classic", "config.fatal", FAIL, "ends the daemon, which parses it and then does not know it"),),
    ),
)

_NO_EFFECT = (Remark("ntpsec", "config.ignored", WARN, "without effect, and complained of"),)
_HOLDS_UP = "all clients wait while an answer to Windows is signed"

#: Flags of restrict and unrestrict.
FLAGS = some(
    *words(
        "flake",
        "ignore",
        "kod",
        "limited",
        "nomodify",
        "nomrulist",
        "noquery",
        "noserve",
        "notrust",
        "ntpport",
        "version",
    ),
    *(Word(text, BOTH, (), _NO_EFFECT) for text in ("nopeer", "notrap")),
    Word(
        "mssntp",
        BOTH,
        (),
        (Remark("classic", "access.serve", WARN, _HOLDS_UP), Remark("ntpsec", "access.serve", WARN, _HOLDS_UP)),
    ),
    *words("lowpriotrap", "noepeer", known=CLASSIC),
    Word(
        "epeer",
        CLASSIC,
        (),
        (Remark("classic", "config.fatal", FAIL, "ends the daemon, which parses it and then does not know it"),),
    ),
    Word("serverresponse", CLASSIC, (Word("fuzz", CLASSIC),)),
    least=0,
)

TOS = some(
    *valued("integer", "floor", "minsane", "orphan", "orphanwait"),
    *valued(
        "integer",
        "ceiling",
        limits=(
            Limit("classic", 1, 15, "it takes the nearest that it can"),
            Limit("ntpsec", -_MOST, 15, "it takes 15"),
        ),
    ),
    *valued("integer", "bcpollbstep", known=CLASSIC, limits=both(0, 4, "it takes the nearest that it can")),
    *valued("integer", "beacon", known=CLASSIC),
    *valued("integer", "maxclock", "minclock", known=CLASSIC),
    *valued("number", "maxclock", "minclock", known=NTPSEC),
    *valued("number", "maxdist", "mindist"),
    *valued("number", "maxdisp", known=NTPSEC),
    *valued("boolean", "cohort", known=CLASSIC, limits=_TRUTH),
    *valued("text", "basedate", known=CLASSIC),
)

TINKER = some(
    *valued(
        "number", "allan", "dispersion", "freq", "huffpuff", "panic", "step", "stepback", "stepfwd", "stepout", "tick"
    )
)

_NOT_NEGATIVE = both(0, _MOST, _IGNORED)

MRU = some(
    *valued("integer", "incalloc", "incmem", "initalloc", "initmem", "mindepth", limits=_NOT_NEGATIVE),
    *valued("integer", "maxage", "maxdepth", "maxmem"),
    *valued("integer", "minage", known=NTPSEC),
)

DISCARD = some(
    *valued("integer", "average", known=CLASSIC, limits=both(0, 255, _IGNORED)),
    *valued("integer", "minimum", "monitor", known=CLASSIC),
)

#: The kinds of statistics.
STATISTICS = (
    *words("clockstats", "loopstats", "peerstats", "protostats", "rawstats", "sysstats"),
    *words("cryptostats", "timingstats", known=CLASSIC),
    *words("usestats", known=NTPSEC),
    *words("ntsstats", "ntskestats", known=Known(None, "1.2.3")),
    *words("ntskelog", known=Known(None, "1.2.4")),
)

FILEGEN = some(
    *valued("text", "file"),
    Word(
        "type", BOTH, (OneOf(tuple((word,) for word in words("age", "day", "month", "none", "pid", "week", "year"))),)
    ),
    *words("link", "nolink", "enable", "disable"),
    least=0,
)

#: Of enable and disable.
SYSTEM = some(
    *words("calibrate", "kernel", "monitor", "ntp", "stats"),
    *words("auth", "bclient", "mode7", known=CLASSIC),
    *words(
        "peer_clear_digest_early",
        "unpeer_crypto_early",
        "unpeer_crypto_nak_early",
        "unpeer_digest_early",
        known=CLASSIC,
    ),
)

_DEPRECATED = (Remark("classic", "config.value", WARN, "taken, but wanted as a line of its own"),)

CRYPTO = some(
    *valued("text", "host", "ident", "pw", "randfile", "digest", known=CLASSIC),
    Word("revoke", CLASSIC, (INTEGER,), _DEPRECATED),
    least=0,
)

NTS = some(
    *words("enable", "disable", known=NTPSEC),
    *valued("name", "ca", "cert", "cookie", "key", "maxtls", "mintls", known=NTPSEC),
    *valued("text", "aead", "tlsciphersuites", known=NTPSEC),
    *valued("text", "tlsecdhcurves", known=Known(None, "1.2.3")),
    Word("tlscipherserverpreference", Known(None, "1.2.4")),
    *valued("integer", "port", "pool", known=Known(None, "1.2.5")),
)

INTERFACE = (
    OneOf(tuple((word,) for word in words("listen", "ignore", "drop"))),
    OneOf((*((word,) for word in words("all", "ipv4", "ipv6", "wildcard")), (NAME,))),
)

RESET = some(*words("allpeers", "auth", "ctl", "io", "mem", "sys", "timer"))

RLIMIT = some(
    Word(
        "memlock",
        BOTH,
        (Value("integer", (Limit("classic", -1, _MOST, _IGNORED),)),),
        (Remark("ntpsec", "config.ignored", WARN, "without effect, and complained of"),),
    ),
    *valued("integer", "stacksize", "filenum"),
)
