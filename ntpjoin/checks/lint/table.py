"""The language of ntp.conf: each directive, what may stand behind it, and which engine knows it. Pure data.

Sources: ntp_parser.y, keyword-gen.c and ntp_config.c of classic ntpd 4.2.8p15 and p18, and of NTPsec 1.2.0 to 1.2.5; and what the
daemons of Debian 11 to 13 (4.2.8p15, 1.2.2, 1.2.3) said of each line of `tests/real/language/`.
"""

from __future__ import annotations

from ntpjoin.checks.lint import options as opt
from ntpjoin.checks.lint.language import (
    BOTH,
    CLASSIC,
    NTPSEC,
    Known,
    OneOf,
    Remark,
    Sign,
    Value,
    Word,
    both,
    maybe,
    some,
    valued,
)
from ntpjoin.checks.lint.options import ADDRESS, INTEGER, NAME, TEXT, WARN

_TEXT = Value("texts")
_TEXTS = OneOf(((_TEXT,),), 1, None)
_ADDRESSES = OneOf(((_TEXT,), (Word("-4", BOTH, (_TEXT,)),), (Word("-6", BOTH, (_TEXT,)),)), 1, None)
_DEFAULT = Word("default")
_MASK = maybe(Word("mask", BOTH, (NAME,)))
_LIMIT_OF_PEERS = maybe(Word("ippeerlimit", CLASSIC, (Value("integer", both(-1, 100, "it takes 0")),)))
_UNIT = maybe(Word("unit", NTPSEC, (INTEGER,)))
_KEY = Value("integer", both(1, 65535, "it is left out"))
#: A range of keys: (4 ... 7).
_KEYS = (Sign("("), _KEY, Word("..."), _KEY, Sign(")"))
_PORT = Value("integer", both(1, 65535, "the line does not count", lost=True))
_SKEW = OneOf(((OneOf(((INTEGER,), (_DEFAULT,))), INTEGER, Sign("|"), INTEGER),), 0, None)
_NEW = Known("4.2.8p18")

_AS_SERVER = (Remark("ntpsec", "config.ignored", WARN, "taken for `server`, and complained of"),)
_NO_OP = (Remark("ntpsec", "config.ignored", WARN, "without effect, and complained of"),)
_WANTS_KEYS = (
    Remark(
        "classic",
        "config.fatal",
        WARN,
        "ends the daemon where it finds no key of its own, made by ntp-keygen, for Autokey",
    ),
)


def _subject(known: Known) -> OneOf:
    """Whom a restrict line is about. NTPsec takes a mask only where no family is named."""
    masked = maybe(Word("mask", CLASSIC, (NAME,)))
    families = tuple((Word(family, known, (OneOf(((_DEFAULT,), (NAME, masked))),)),) for family in ("-4", "-6"))
    return OneOf((*families, (_DEFAULT,), (Word("source"),), (NAME, _MASK)))


def _directives() -> tuple[Word, ...]:
    return (*_WHOM, *_WHO, *_CLOCK, *_KEYED, *_WRITTEN, *_REST)


#: Whom to follow.
_WHOM = (
    *(Word(text, BOTH, (ADDRESS, opt.PEER)) for text in ("server", "pool")),
    Word("peer", BOTH, (ADDRESS, opt.PEER), _AS_SERVER),
    *(Word(text, CLASSIC, (ADDRESS, opt.PEER)) for text in ("broadcast", "manycastclient")),
    Word("refclock", NTPSEC, (TEXT, _UNIT, opt.PEER)),
    Word("fudge", BOTH, (ADDRESS, opt.FUDGE)),
    *(Word(text, BOTH, (ADDRESS,)) for text in ("unpeer", "unconfig")),
    Word("broadcastclient", CLASSIC),
    *(Word(text, CLASSIC, (_ADDRESSES,)) for text in ("manycastserver", "multicastclient")),
    *valued("integer", "mdnstries"),
)

#: Who may ask, and where.
_WHO = (
    Word("restrict", BOTH, (_subject(BOTH), _LIMIT_OF_PEERS, opt.FLAGS)),
    Word("unrestrict", NTPSEC, (_subject(NTPSEC), opt.FLAGS)),
    Word("delrestrict", _NEW, (OneOf(((Word("source"), NAME), (NAME, _MASK))),)),
    Word("discard", CLASSIC, (opt.DISCARD,)),
    Word("limit", NTPSEC, (some(*valued("number", "average", "burst", "kod", known=NTPSEC)),)),
    Word("mru", BOTH, (opt.MRU,)),
    *(Word(text, BOTH, opt.INTERFACE) for text in ("interface", "nic")),
    Word("extra", Known(None, "1.2.4"), (some(*valued("integer", "port", known=Known(None, "1.2.4"))),)),
)

#: How the clock is kept.
_CLOCK = (
    Word("tos", BOTH, (opt.TOS,)),
    Word("tinker", BOTH, (opt.TINKER,)),
    *valued("number", "nonvolatile", "tick"),
    *valued("number", "broadcastdelay", known=CLASSIC),
    Word("driftfile", BOTH, (OneOf(((TEXT, maybe(Value("double"))),), 0, 1),)),
    Word("leapfile", BOTH, (TEXT, OneOf(((Word("ignorehash", CLASSIC),), (Word("checkhash", CLASSIC),)), 0, 1))),
    *valued("integer", "leapsmearinterval"),
    *(Word(text, BOTH, (opt.SYSTEM,)) for text in ("enable", "disable")),
    Word("pollskewlist", CLASSIC, (_SKEW,)),
)

#: Keys.
_KEYED = (
    *valued("text", "keys", "ntpsigndsocket"),
    *valued("text", "keysdir", "ident", known=CLASSIC),
    *valued("integer", "controlkey"),
    Word("requestkey", BOTH, (INTEGER,), _NO_OP),
    *valued("integer", "revoke", "automax", known=CLASSIC),
    Word("trustedkey", BOTH, (OneOf(((_KEY,), _KEYS), 1, None),)),
    Word("crypto", CLASSIC, (opt.CRYPTO,), _WANTS_KEYS),
    Word("nts", NTPSEC, (opt.NTS,)),
)

#: What it writes.
_WRITTEN = (
    Word("statistics", BOTH, (some(*opt.STATISTICS),)),
    Word("filegen", BOTH, (OneOf(tuple((word,) for word in opt.STATISTICS)), opt.FILEGEN)),
    *valued("text", "statsdir", "logfile", "pidfile"),
    *valued("text", "saveconfigdir", known=CLASSIC),
    Word("logconfig", BOTH, (_TEXTS,)),
)

_REST = (
    *valued("integer", "dscp", limits=both(0, 63, "the sockets do not take it")),
    Word("rlimit", BOTH, (opt.RLIMIT,)),
    Word("reset", BOTH, (opt.RESET,)),
    Word("phone", BOTH, (_TEXTS,)),
    Word("setvar", BOTH, (TEXT, Sign("="), TEXT, maybe(_DEFAULT))),
    Word("trap", CLASSIC, (TEXT, some(Word("port", CLASSIC, (_PORT,)), Word("interface", CLASSIC, (NAME,)), least=0))),
    Word("ttl", CLASSIC, (OneOf(((INTEGER,),), 1, None),)),
    Word("device", _NEW, (ADDRESS, some(*valued("text", "timedata", "ppsdata", known=_NEW)))),
    *valued("text", "includefile"),
    Word("end"),
)

#: All of them, by the word that they begin with.
DIRECTIVES: dict[str, Word] = {word.text: word for word in _directives()}
