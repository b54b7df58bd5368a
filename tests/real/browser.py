"""Asks a web server as browsers do. Reads JSON from stdin: a list of [address, host, path]; prints what each answered."""

from __future__ import annotations

import http.client
import json
import sys


def ask(address: str, host: str, path: str) -> list[object]:
    connection = http.client.HTTPConnection(address, 80, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return [answer.status, answer.getheader("Location", ""), answer.read().decode(errors="replace")]
    except OSError as error:
        return [0, "", str(error)]
    finally:
        connection.close()


if __name__ == "__main__":
    print(json.dumps([ask(*question) for question in json.load(sys.stdin)]))
