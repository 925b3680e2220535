"""A Hugging Face Hub of the tests' own on loopback, for its real client."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "owner/coder-GGUF"


class FakeHub:
    """What the Hub answers. State: its files, what it says of their sums, and its status."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        self.status = 200
        self.headers: dict[str, str] = {}
        self.fetched: list[str] = []
        self.ranges: list[str] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server = server
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one answer after the other
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

            def _say(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in {**fake.headers, **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_GET(self) -> None:  # noqa: N802 - the base class's name
                if fake.status != 200:
                    self._say(fake.status, b"{}")
                elif self.path.startswith("/api/models/"):
                    self._say(200, json.dumps(fake.described()).encode(), Content_Type="application/json")
                else:
                    name = self.path.rpartition("/")[2].partition("?")[0]
                    self._give(name)

            def _give(self, name: str) -> None:
                data, told = fake.files[name], {"ETag": f'"{fake.sums[name]}"', "X_Repo_Commit": COMMIT}
                wanted = self.headers.get("Range", "")
                if self.command == "GET":
                    fake.fetched.append(name)
                    fake.ranges += [wanted] if wanted else []
                if not wanted:
                    self._say(200, data, **told)
                    return
                begin = int(wanted.removeprefix("bytes=").partition("-")[0])
                told["Content_Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
                self._say(206, data[begin:], **told)

            do_HEAD = do_GET  # noqa: N815 - the base class's name

        return Handler

    def described(self) -> dict[str, Any]:
        siblings = [
            {
                "rfilename": name,
                "size": len(data),
                "blobId": "b",
                "lfs": {"sha256": self.sums[name], "size": len(data), "pointerSize": 130},
            }
            for name, data in self.files.items()
        ]
        return {"id": REPOSITORY, "modelId": REPOSITORY, "sha": COMMIT, "siblings": siblings}
