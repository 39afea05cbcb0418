"""What stands behind the gateways: `python -m sluicegate.cli.demo.service PORT...` answers with port and path."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer(BaseHTTPRequestHandler):
    """Answers any GET."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write for head and body

    def do_GET(self) -> None:
        answered_by = self.connection.getsockname()[1]
        body = json.dumps({"answered_by": answered_by, "path": self.path}).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until told to stop."""
    servers = [ThreadingHTTPServer(("127.0.0.1", int(port)), Answer) for port in sys.argv[1:]]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
