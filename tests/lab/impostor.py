"""A time server that says what it is told to say, as no daemon would. A program for a host of the lab, never imported.

Its one argument is a JSON object: `offset_s`, `stratum`, `leap`, `refid` (four letters, or four numbers with dots), `root_delay_s`,
`root_dispersion_s`; what is not given is as a good server of stratum 1 has it. `kiss` is a code that it sends who has had `after`
answers at the same port already; with `echo` false the origin is not what was sent.
"""

import json
import socket
import struct
import sys
import time
from collections import Counter
from typing import Any

#: Seconds from 1900 to 1970.
ERA = 2208988800
HEADER = struct.Struct("!BBBb II4s Q 8s QQ")

says: dict[str, Any] = {
    "offset_s": 0,
    "stratum": 1,
    "leap": 0,
    "refid": "GPS",
    "root_delay_s": 0,
    "root_dispersion_s": 0.0001,
    "kiss": "",
    "after": 0,
    "echo": True,
}
says.update(json.loads(sys.argv[1]))
refid = bytes(map(int, says["refid"].split("."))) if "." in says["refid"] else says["refid"].encode()


def stamp(seconds: float) -> int:
    return int((seconds + ERA + says["offset_s"]) * 2**32) % 2**64


def short(seconds: float) -> int:
    return int(seconds * 2**16)


answers: Counter[Any] = Counter()
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
# A host may have several addresses: who asked one of them takes no answer from another.
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
sock.bind(("::", 123))
while True:
    question, asked, _, client = sock.recvmsg(2048, socket.CMSG_SPACE(20))
    came = time.time()
    if len(question) < 48 or question[0] & 7 != 3:
        continue
    version, poll = question[0] & 0x38, question[2]
    answers[client] += 1
    if says["kiss"] and answers[client] > says["after"]:
        kiss = HEADER.pack(0xC0 | version | 4, 0, poll, 0, 0, 0, says["kiss"].encode(), 0, question[40:48], 0, 0)
        sock.sendmsg([kiss[:32] + question[40:48] * 2], asked, 0, client)
        continue
    distance = (short(says["root_delay_s"]), short(says["root_dispersion_s"]))
    head = (says["leap"] << 6 | version | 4, says["stratum"], poll, -20, *distance, refid.ljust(4, b"\0"))
    origin = question[40:48] if says["echo"] else bytes(map((0xFF).__xor__, question[40:48]))
    stamps = (stamp(came - 1), origin, stamp(came), stamp(time.time()))
    sock.sendmsg([HEADER.pack(*head, *stamps)], asked, 0, client)
