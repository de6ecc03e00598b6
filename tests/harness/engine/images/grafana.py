"""Stands where Grafana would: well as long as boards, data source and password can be read."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BOARDS = Path("/var/lib/grafana/outrigger")
DATA_SOURCES = Path("/etc/grafana/provisioning/datasources")


class Health(BaseHTTPRequestHandler):
    """Answers at every path."""

    def do_GET(self):
        password = Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text()
        boards = [json.loads(path.read_text())["uid"] for path in BOARDS.glob("*.json")]
        well = password and boards and list(DATA_SOURCES.glob("*.yml"))
        self.send_response(200 if well else 503)
        self.end_headers()
        self.wfile.write(json.dumps({"boards": boards}).encode())


ThreadingHTTPServer(("", 3000), Health).serve_forever()
