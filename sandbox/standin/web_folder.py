"""A recipient's folder over HTTPS: what WebDAV and an S3-compatible store ask of one, over files in a folder."""

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import trustme


class WebFolder(BaseHTTPRequestHandler):
    """PUT, HEAD, GET, DELETE and MOVE below `root`; requests are not authenticated."""

    protocol_version = "HTTP/1.1"
    root = Path()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def path_of(self, address: str) -> Path:
        """The file that an address names."""
        path = (self.root / unquote(urlsplit(address).path).lstrip("/")).resolve()
        return path if path.is_relative_to(self.root.resolve()) else self.root / "none" / "none"

    def answer(self, status: int, body: bytes = b"") -> None:
        """Answer, with the length of the body; a HEAD gets no more than that."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        """Give a file."""
        path = self.path_of(self.path)
        self.answer(*((200, path.read_bytes()) if path.is_file() else (404,)))

    def do_HEAD(self) -> None:
        """Give the length of a file."""
        self.do_GET()

    def do_PUT(self) -> None:
        """Take a file, or a range of one; not where one is and none may be."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = self.path_of(self.path)
        if path.exists() and self.headers.get("If-None-Match") == "*":
            self.answer(412)
        elif not path.parent.is_dir():
            self.answer(409)
        else:
            self.keep(path, body)
            self.answer(201)

    def keep(self, path: Path, body: bytes) -> None:
        """Write what came: in place where it is a range, else in one step."""
        if found := re.match(r"bytes (\d+)-", self.headers.get("Content-Range", "")):
            path.touch()
            with path.open("r+b") as file:
                file.seek(int(found[1]))
                file.write(body)
            return
        part = path.with_name(f".{path.name}.{threading.get_ident()}")
        part.write_bytes(body)
        part.rename(path)

    def do_DELETE(self) -> None:
        """Take a file away."""
        path = self.path_of(self.path)
        self.answer(204 if path.is_file() else 404)
        path.unlink(missing_ok=True)

    def do_MOVE(self) -> None:
        """Give a file another name."""
        path, target = self.path_of(self.path), self.path_of(self.headers["Destination"])
        if target.exists() and self.headers.get("Overwrite") == "F":
            self.answer(412)
        elif not path.is_file():
            self.answer(404)
        else:
            path.rename(target)
            self.answer(201)


@contextmanager
def serve_folder(root: Path, state: Path, handler: type[WebFolder] = WebFolder) -> Iterator[dict[str, str]]:
    """Serve a folder over HTTPS on loopback; answers its address and the file of the authority to trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA(organization_name="simulated authority")
    authority.issue_cert("localhost").configure_cert(context)
    state.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(state / "ca.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type(handler.__name__, (handler,), {"root": root}))
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield {"url": f"https://localhost:{server.server_address[1]}", "ca": str(state / "ca.pem")}
    finally:
        server.shutdown()
        server.server_close()
