"""The page of `ftcheck review`, served on loopback to whoever has its address, which holds a random token.

Every request must name this host and the token; one that changes something must come from the page itself. Answers
reach the page as JSON, and it shows them as text; its policy allows no script and no style but its own files.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from pytest_ftcheck.commands.deck import Deck, page_facts
from pytest_ftcheck.commands.review_csv import to_csv
from pytest_ftcheck.errors import FtcheckError

HOST = "127.0.0.1"
LARGEST_BODY = 10_000
ASSETS = {
    "": ("index.html", "text/html; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# Signs that change how others are read, or that print nothing: written as escapes. Joiners stay, for scripts need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)


class ReviewServer:
    """A server of one deck. `url` is the page's address; `finished` is set when the person ends the review."""

    def __init__(self, deck: Deck, *, port: int = 0) -> None:
        self.deck = deck
        self.token = secrets.token_urlsafe(24)
        self.finished = threading.Event()
        self.ended = False
        self.lock = threading.Lock()
        self.http = ThreadingHTTPServer((HOST, port), _handler(self))
        self.http.daemon_threads = True
        self.origin = f"http://{HOST}:{self.http.server_port}"
        self.url = f"{self.origin}/{self.token}/"

    @contextmanager
    def running(self) -> Iterator[ReviewServer]:
        """Serve for as long as the block lasts."""
        thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), name="ftcheck-review", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ended = True  # connections that are still open are told so
            self.http.shutdown()
            thread.join()
            self.http.server_close()

    def rate(self, body: Any) -> dict[str, Any]:
        """Save one rating. Raises FtcheckError where it is none or cannot be saved."""
        number = body.get("card") if isinstance(body, dict) else None
        if type(number) is not int or not 0 <= number < len(self.deck.cards):
            raise ValueError("no such card")
        with self.lock:
            self.deck.rate(number, body.get("value"))
            return {"done": self.deck.done, "value": self.deck.values[number]}


def visible(value: Any) -> Any:
    r"""Write hidden signs in texts as escapes: what a person rates is what stands there.

    >>> visible({"answers": ["a\u202eb"]})
    {'answers': ['a\\u202eb']}
    """
    if isinstance(value, str):
        text = value.replace("\r\n", "\n")
        return _HIDDEN.sub(lambda sign: sign[0].encode("unicode_escape").decode("ascii"), text)
    if isinstance(value, dict):
        return {name: visible(each) for name, each in value.items()}
    return [visible(each) for each in value] if isinstance(value, list) else value


def _handler(server: ReviewServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "ftcheck"
        sys_version = ""
        timeout = 30

        def do_GET(self) -> None:
            """Give the page, its files, its facts, or the ratings as a file."""
            path = self.admitted()
            if path is None:
                return
            if path in ASSETS:
                name, kind = ASSETS[path]
                content = files("pytest_ftcheck.commands").joinpath("review_page", name).read_bytes()
                self.reply(content, kind)
            elif path == "facts":
                self.reply(_json(visible(page_facts(server.deck))), "application/json")
            elif path == "ratings.csv":
                self.reply(to_csv(server.deck).encode("utf-8"), "text/csv; charset=utf-8")
            else:
                self.refuse(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            """Save a rating, or end the review."""
            path = self.admitted()
            if path is None:
                return
            if self.headers.get("Origin") != server.origin:
                self.refuse(HTTPStatus.FORBIDDEN)
                return
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > LARGEST_BODY or path not in ("rate", "finish"):
                self.refuse(HTTPStatus.BAD_REQUEST)
                return
            body = self.rfile.read(int(length))
            if path == "finish":
                self.reply(_json({"done": server.deck.done}), "application/json")
                server.finished.set()
                return
            try:
                self.reply(_json(server.rate(json.loads(body))), "application/json")
            except (ValueError, RecursionError) as error:
                self.reply(_json({"error": str(error)}), "application/json", HTTPStatus.BAD_REQUEST)
            except FtcheckError as error:
                self.reply(_json({"error": str(error)}), "application/json", HTTPStatus.CONFLICT)

        def admitted(self) -> str | None:
            """Return the path behind the token; refuse another host's name, which a rebound DNS name would send."""
            head, _, path = self.path.removeprefix("/").partition("/")
            if self.headers.get("Host") != server.origin.removeprefix("http://"):
                self.refuse(HTTPStatus.FORBIDDEN)
                return None
            if not secrets.compare_digest(head.encode(), server.token.encode()):
                self.refuse(HTTPStatus.NOT_FOUND)
                return None
            if server.ended:
                self.refuse(HTTPStatus.SERVICE_UNAVAILABLE)
                return None
            return path

        def refuse(self, status: HTTPStatus) -> None:
            self.close_connection = True  # what was sent with it is not read
            self.reply(status.phrase.encode(), "text/plain; charset=utf-8", status)

        def reply(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **HEADERS}.items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a line would hold the token."""

    return Handler


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode("ascii")
