"""Records what a client and an MLflow server say to each other, for MlflowTest.

    pip install mlflow
    mlflow server --port 5000 --backend-store-uri sqlite:///new.db --artifacts-destination new-folder
    python record.py http://127.0.0.1:5000 5001 exchanges.json
    mvn -pl sdk-registry test -Dtest=MlflowTest -Dathanor.mlflow=http://127.0.0.1:5001

The server must be new. The file is written after each exchange; the ids of runs are replaced.
"""
import json
import re
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

SERVER, PORT, FILE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
EXCHANGES = []
RUNS = []


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = urllib.request.Request(SERVER + self.path, data=body or None, method=self.command)
        for header in ("Content-Type", "Authorization"):
            if header in self.headers:
                request.add_header(header, self.headers[header])
        try:
            with urllib.request.urlopen(request) as answer:
                status, said = answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            status, said = refusal.code, refusal.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
        keep(self.command, self.path, body.decode(), status, said.decode())

    do_GET = do_POST = do_PUT = forward

    def log_message(self, *arguments):
        pass


def keep(method, target, sent, status, said):
    for run in re.findall(r'"run_id": "([0-9a-f]{32})"', said):
        if run not in RUNS:
            RUNS.append(run)
    EXCHANGES.append(dict(method=method, target=target, sent=sent, status=status, said=said))
    text = json.dumps(EXCHANGES, indent=1)
    for number, run in enumerate(RUNS):
        text = text.replace(run, f"{number + 1:032x}")
    with open(FILE, "w") as file:
        file.write(text + "\n")


HTTPServer(("127.0.0.1", PORT), Proxy).serve_forever()
