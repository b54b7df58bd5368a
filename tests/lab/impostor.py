"""A time server that says what it is told to say, as no daemon would. A program for a host of the lab, never imported.

Its one argument is a JSON object: `offset_s`, `stratum`, `leap`, `refid` (four letters, or four numbers with dots), `root_delay_s`,
`root_dispersion_s`; what is not given is as a good server of stratum 1 has it.
"""

import json
import socket
import struct
import sys
import time
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
}
says.update(json.loads(sys.argv[1]))
refid = bytes(map(int, says["refid"].split("."))) if "." in says["refid"] else says["refid"].encode()


def stamp(seconds: float) -> int:
    return int((seconds + ERA + says["offset_s"]) * 2**32) % 2**64


def short(seconds: float) -> int:
    return int(seconds * 2**16)


sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
sock.bind(("::", 123))
while True:
    question, client = sock.recvfrom(2048)
    came = time.time()
    if len(question) < 48 or question[0] & 7 != 3:
        continue
    version, poll = question[0] & 0x38, question[2]
    distance = (short(says["root_delay_s"]), short(says["root_dispersion_s"]))
    head = (says["leap"] << 6 | version | 4, says["stratum"], poll, -20, *distance, refid.ljust(4, b"\0"))
    stamps = (stamp(came - 1), question[40:48], stamp(came), stamp(time.time()))
    sock.sendto(HEADER.pack(*head, *stamps), client)
