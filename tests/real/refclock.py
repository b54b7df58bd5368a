"""A reference clock as gpsd would be one: writes this machine's time into ntpd's shared memory, unit 0, twice a second.

Runs on the server, never imported. The layout is that of `struct shmTime` on a 64-bit machine (ntpd's shared memory driver, type 28).
"""

import ctypes
import struct
import time

KEY, SIZE = 0x4E545030, 96
#: mode, count; seconds and microseconds by the clock; the same by this machine; leap, precision, samples, valid; nanoseconds of both.
LAYOUT = struct.Struct("@iiqi4xqiiiiiII")

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
segment = libc.shmget(KEY, SIZE, 0o1600)
if segment < 0:
    raise OSError(ctypes.get_errno(), "shmget")
place = libc.shmat(segment, None, 0)

count = 0
while True:
    now = time.time_ns()
    second, nano = divmod(now, 10**9)
    count += 2
    fields = (1, count, second, nano // 1000, second, nano // 1000, 0, -20, 0, 1, nano, nano)
    ctypes.memmove(place, LAYOUT.pack(*fields), LAYOUT.size)
    time.sleep(0.5)
