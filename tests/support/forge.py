"""A stand-in for GitHub's REST API on loopback: it keeps comments, pages them, and can be told to answer faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Forge:
    """The comments of one pull request, and every request that came."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    fault: int | None = None

    def say(self, body: str, *, kind: str = "Bot") -> None:
        """Put a comment there."""
        number = len(self.comments) + 1
        self.comments.append({"id": number, "body": body, "user": {"type": kind}, "html_url": f"{self.url}/c/{number}"})


@contextmanager
def serving() -> Iterator[Forge]:
    """Serve until the block ends."""
    forge = Forge()

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def handle_any(self) -> None:
            forge.heard.append((self.command, self.path, self.headers.get("Authorization", "")))
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length)) if length else {}
            parts = urlsplit(self.path)
            if forge.fault is not None:
                self.answer(forge.fault, {"message": "fault"})
            elif self.command == "GET":
                query = parse_qs(parts.query)
                size, page = int(query["per_page"][0]), int(query["page"][0])
                self.answer(200, forge.comments[(page - 1) * size : page * size])
            elif self.command == "POST":
                forge.say(sent["body"])
                self.answer(201, forge.comments[-1])
            else:
                comment = forge.comments[int(parts.path.rsplit("/", 1)[-1]) - 1]
                comment["body"] = sent["body"]
                self.answer(200, comment)

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forge.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
