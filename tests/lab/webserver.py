"""Serves a folder over http, and breaks on request. Run as a program on a lab host.

A file `fault.json` beside the folder maps a part of a path to "404", "500", "garbage" or "hang".
"""

from __future__ import annotations

import http.server
import json
import socket
import sys
import time
from pathlib import Path


class Handler(http.server.SimpleHTTPRequestHandler):
    faults = Path()

    def do_GET(self) -> None:
        fault = self.fault()
        if fault == "hang":
            time.sleep(600)
        elif fault == "garbage":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>please log in to the hotel network</html>\n")
        elif fault:
            self.send_error(int(fault))
        else:
            super().do_GET()

    def fault(self) -> str:
        try:
            faults: dict[str, str] = json.loads(self.faults.read_text())
        except FileNotFoundError:
            return ""
        return next((fault for part, fault in faults.items() if part in self.path), "")


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def finish_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        Handler(request, client_address, self, directory=sys.argv[1])


if __name__ == "__main__":
    Handler.faults = Path(sys.argv[1]) / "fault.json"
    # Looking up who asks would wait for the lab's DNS, which a test may have stopped.
    with Server(("::", 80), Handler) as server:
        server.serve_forever()
