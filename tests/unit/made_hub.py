"""A model hub on this machine: as much of its API as a push calls, and faults on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
COMMIT = "6c2b0d75eae4b7047358cf7b6bd325f857d43f77"


class Hub:
    """What was asked and sent stands in its fields."""

    def __init__(self) -> None:
        self.tokens = {"hf_may_write": 200, "hf_may_read": 403}
        self.repos: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.stored: dict[str, bytes] = {}
        self.card = ""
        self.asked: list[str] = []
        self.storage_tokens: list[str | None] = []
        self.fault: dict[str, int] = {}
        """Part of an address -> the status that it is answered with."""
        self.gate = threading.Event()
        """Storage answers when it is set."""
        self.gate.set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                hub.answer(self, b"")

            def do_POST(self) -> None:
                hub.answer(self, hub.body(self))

            do_PUT = do_POST

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def body(request: BaseHTTPRequestHandler) -> bytes:
        length = request.headers.get("Content-Length")
        if length is not None:
            return request.rfile.read(int(length))
        return b"".join(_chunks(request))

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        path = request.path.partition("?")[0]
        self.asked.append(f"{request.command} {path}")
        status, found = self._answered(request, path, body)
        content = json.dumps(found).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _answered(
        self, request: BaseHTTPRequestHandler, path: str, body: bytes
    ) -> tuple[int, dict[str, Any]]:
        for part, status in self.fault.items():
            if part in path:
                return status, {"error": f"refused {request.headers.get('Authorization')}"}
        if path.startswith("/storage/"):
            self.gate.wait()
            self.storage_tokens.append(request.headers.get("Authorization"))
            self.stored[path.rsplit("/", 1)[1]] = body
            return 200, {}
        token = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        status = self.tokens.get(token, 401)
        if status != 200:
            return status, {"error": "no"}
        asked = json.loads(body) if body and "commit" not in path else {}
        if path == "/api/repos/create":
            repo = f"{asked['organization']}/{asked['name']}"
            if repo in self.repos:
                return 409, {"error": "there is one already", "url": f"{self.url}/{repo}"}
            self.repos[repo] = {"private": asked.get("visibility") == "private"}
            return 200, {"url": f"{self.url}/{repo}"}
        if path == "/api/validate-yaml":
            self.card = asked["content"]
            return 200, {"errors": [], "warnings": []}
        if "/preupload/" in path:
            return 200, {"files": [self._mode(one) for one in asked["files"]]}
        if path.endswith("/info/lfs/objects/batch"):
            return 200, {"transfer": "basic", "objects": [self._place(o) for o in asked["objects"]]}
        if "/commit/" in path:
            return self._commit(path, body)
        repo = path.removeprefix("/api/models/")
        return 200, {"id": repo, "modelId": repo, **self.repos[repo]}

    @staticmethod
    def _mode(file: dict[str, Any]) -> dict[str, Any]:
        large = file["path"].endswith((".pth", ".wav"))
        return {
            "path": file["path"],
            "uploadMode": "lfs" if large else "regular",
            "shouldIgnore": False,
        }

    def _place(self, thing: dict[str, Any]) -> dict[str, Any]:
        place = {"href": f"{self.url}/storage/{thing['oid']}", "header": {}}
        return {"oid": thing["oid"], "size": thing["size"], "actions": {"upload": place}}

    def _commit(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        for line in map(json.loads, body.decode().splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                content = self.stored[value["oid"]]
                assert hashlib.sha256(content).hexdigest() == value["oid"]
                self.files[value["path"]] = content
        repo = path.removeprefix("/api/models/").partition("/commit/")[0]
        url = f"{self.url}/{repo}/commit/{COMMIT}"
        return 200, {"commitUrl": url, "commitOid": COMMIT, "success": True}


def _chunks(request: BaseHTTPRequestHandler) -> Iterator[bytes]:
    while size := int(request.rfile.readline(), 16):
        yield request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
