"""Asking a time daemon about itself: associations, variables, and from them the billboard that `ntpq -p` shows."""

from __future__ import annotations

import math
import secrets
import selectors
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Optional

from ntpjoin.board import Peer, SystemVars
from ntpjoin.errors import WireError
from ntpjoin.wire import mode6, sockets
from ntpjoin.wire.mode6 import Answer, Assembly, ControlRefusedError, PeerStatus, Question, SystemStatus

PORT = 123

_TRIES = 2
#: Datagrams read for one question before it is given up, ours or not.
_MOST_DATAGRAMS = 1000

#: What the billboard needs: asked by name, for what comes unasked fills several fragments.
_SYSTEM = (
    "leap", "stratum", "refid", "peer", "version", "offset", "rootdelay", "rootdisp", "sys_jitter", "frequency", "clock",
)  # fmt: skip
_PEER = ("srcadr", "refid", "stratum", "reach", "hmode", "hpoll", "ppoll", "rec", "delay", "offset", "jitter")
#: Asked for beside those, and left out by a daemon that does not know it.
_NAME = "srchost"


@dataclass(frozen=True)
class Association:
    """A daemon's number for one of its sources, and that source's status word."""

    associd: int
    status: int

    @property
    def decoded(self) -> PeerStatus:
        """The status word taken apart."""
        return PeerStatus.decode(self.status)


class ControlClient:
    """Speaks mode 6 with one daemon; a context manager.

    Waits `timeout_s` for an answer's first fragment and `rest_s` for all others, and asks twice. Every method raises
    WireError: silence, refusal, or an answer that cannot be read.
    """

    def __init__(self, address: str, port: int = PORT, timeout_s: float = 5.0, rest_s: float = 3.0) -> None:
        self._address = address
        self._port = port
        self._timeout_s = timeout_s
        self._rest_s = rest_s
        self._sequence = secrets.randbelow(1 << 15)
        try:
            self._door = sockets.connect(address, port)
        except OSError as problem:
            raise self._unreachable(problem) from None

    def __enter__(self) -> ControlClient:  # noqa: PYI034 (Self came with Python 3.11)
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._door.close()

    def associations(self) -> tuple[Association, ...]:
        """List the daemon's sources, in its order."""
        return tuple(Association(*pair) for pair in mode6.associations(self.ask(mode6.READSTAT).data))

    def system_status(self) -> SystemStatus:
        """Give the system's status word, taken apart."""
        return SystemStatus.decode(self.ask(mode6.READSTAT).status)

    def variables(self, associd: int = 0, names: Iterable[str] = ()) -> dict[str, str]:
        """Read these variables of an association (0: the system), or those that the daemon gives unasked."""
        return mode6.variables(self.ask(mode6.READVAR, associd, ",".join(names).encode("ascii")).data)

    def ask(self, opcode: int, associd: int = 0, data: bytes = b"") -> Answer:
        """Put one request and wait for the whole answer."""
        partly = False
        for _ in range(_TRIES):
            self._sequence = self._sequence % 0xFFFF + 1
            question = Question(opcode, self._sequence, associd, data)
            assembly = Assembly(question)
            try:
                self._door.send(question.coded())
                answer = self._gather(assembly)
            except OSError as problem:
                raise self._unreachable(problem) from None
            if answer:
                return answer
            partly = partly or assembly.started
        if partly:
            raise WireError(f"the answer of the daemon at {self._address} did not come whole")
        raise WireError(
            f"the daemon at {self._address} answers no control messages (within {self._timeout_s:g} s, twice)"
        )

    def _gather(self, assembly: Assembly) -> Optional[Answer]:
        ends_s = time.monotonic() + self._timeout_s
        started = False
        with selectors.DefaultSelector() as selector:
            selector.register(self._door, selectors.EVENT_READ)
            for _ in range(_MOST_DATAGRAMS):
                left_s = ends_s - time.monotonic()
                if left_s <= 0 or not selector.select(left_s):
                    return None
                try:
                    answer = assembly.add(self._door.recv(2048))
                except BlockingIOError:  # a datagram with a bad checksum wakes the selector, and is gone
                    continue
                if answer:
                    return answer
                if assembly.started and not started:
                    started, ends_s = True, time.monotonic() + self._rest_s
        return None

    def _unreachable(self, problem: OSError) -> WireError:
        why = sockets.words(problem, self._address, self._port)
        return WireError(f"the daemon at {self._address} could not be asked about itself: {why}")


def billboard(client: ControlClient) -> tuple[SystemVars, tuple[Peer, ...]]:
    """Read the system's variables and those of each source; a source that goes away meanwhile is left out."""
    values = client.variables(0, _SYSTEM)
    system = SystemVars(
        leap=_whole(values, "leap"),
        stratum=_whole(values, "stratum"),
        refid=_refid(values),
        peer_associd=_whole(values, "peer"),
        version=values.get("version", ""),
        offset_ms=_real(values, "offset"),
        root_delay_ms=_real(values, "rootdelay"),
        root_dispersion_ms=_real(values, "rootdisp"),
        sys_jitter_ms=_real(values, "sys_jitter"),
        frequency_ppm=_real(values, "frequency"),
    )
    peers = (_peer(client, association, values.get("clock", "")) for association in client.associations())
    return system, tuple(peer for peer in peers if peer)


def _peer(client: ControlClient, association: Association, clock: str) -> Optional[Peer]:
    try:
        values = _asked(client, association.associd)
    except ControlRefusedError as refused:
        if refused.code == mode6.NO_SUCH_ASSOCIATION:
            return None
        raise
    # As ntpq: the shorter of the two poll intervals counts, and is never outside what the daemons allow.
    exponent = min(max(3, min(_whole(values, "hpoll"), _whole(values, "ppoll"))), 17)
    return Peer(
        associd=association.associd,
        tally=association.decoded.tally,
        address=values.get("srcadr", ""),
        refid=_refid(values),
        stratum=_whole(values, "stratum"),
        reach=_whole(values, "reach"),
        hmode=_whole(values, "hmode"),
        poll_s=1 << exponent,
        configured=association.decoded.configured,
        when_s=_age(clock, values.get("rec", "")),
        delay_ms=_real(values, "delay"),
        offset_ms=_real(values, "offset"),
        jitter_ms=_real(values, "jitter"),
        source=values.get(_NAME, ""),
    )


def _asked(client: ControlClient, associd: int) -> dict[str, str]:
    try:
        return client.variables(associd, (*_PEER, _NAME))
    except ControlRefusedError as refused:
        if refused.code != mode6.NO_SUCH_VARIABLE:
            raise
        return client.variables(associd, _PEER)


def _whole(values: Mapping[str, str], name: str) -> int:
    """Read a whole number, decimal or 0x…; only the system's peer may be left out, and is then 0."""
    text = values.get(name, "0" if name == "peer" else "")
    try:
        return int(text, 16 if text.startswith("0x") else 10)
    except ValueError:
        raise WireError(f"the daemon's {name} is {text!r}, not a number") from None


def _real(values: Mapping[str, str], name: str) -> Optional[float]:
    try:
        number = float(values[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _refid(values: Mapping[str, str]) -> str:
    """Give the bare code or address: some releases set codes between dots, as ntpq shows them."""
    return values.get("refid", "").strip(".")


def _age(clock: str, received: str) -> Optional[float]:
    """Give the seconds between two of the daemon's own time stamps (like 0xe5f0c1d2.80000000), None without both."""
    try:
        now, then = (int(stamp.replace(".", ""), 16) for stamp in (clock, received))
    except ValueError:
        return None
    age_s = (now - then) / (1 << 32)
    return age_s if then and age_s >= 0 else None
