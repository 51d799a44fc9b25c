"""The integration that does nothing: it answers 200 to everything. A suite that it passes proves nothing."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = b'{"idle":true,"items":[]}'


class Nothing(BaseHTTPRequestHandler):
    """Takes any request and does nothing about it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer 200."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def main(port: int) -> None:
    """Serve on a port of the loopback interface until stopped."""
    ThreadingHTTPServer(("127.0.0.1", port), Nothing).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
