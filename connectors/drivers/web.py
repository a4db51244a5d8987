"""Files left over HTTPS: in a WebDAV folder (RFC 4918), or in a bucket of an S3-compatible store."""

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

import requests

from connectors.drivers.addresses import CheckedAdapter, fault_of_address
from connectors.drivers.answers import UnreadableError
from connectors.drivers.auth import Proof, pem_file
from connectors.drivers.http_exchange import (
    LOST,
    TooLargeError,
    exchanged,
    lost,
    require_not_busy,
    surroundings,
    tls_fault,
)
from connectors.drivers.listing import Answer
from connectors.drivers.pages import MAX_BODY_BYTES
from connectors.drivers.retry import PULL_AGAIN, SEND_AGAIN, TryAgainError, budget, call_with_retry
from connectors.errors import AgencyError, ConfigError
from connectors.sink_files import HttpsConnection, S3Connection
from ledger.settings import Settings, read_variable

T = TypeVar("T")

log = logging.getLogger("jifen")

PIECE_BYTES: Final = 4 << 20
"""A larger file goes in pieces: a broken transfer continues behind the bytes that arrived."""
_NEXT_STEP = "ask them for the rights to {0} and for room there; then jifen run, which sends the files again"
_HIDDEN = (401, 403, 405)
_HTML: Final = (b"<html", b"<!doctype")
_NO_PIECES = (400, 501)
"""Answers of servers without `Content-Range`: the one by RFC 9110, 14.5, and another in use."""
_REFUSED: Final = {
    401: "it rejects our credentials",
    403: "the account may not",
    404: "the folder is not there",
    409: "the folder is not there",
    413: "the file is too large for it",
    423: "another has locked it",
    507: "there is no room",
}
_CODE: Final = re.compile(rb"<Code>(\w{1,60})</Code>")
_CHANGES: Final = ("PUT", "MOVE")
_NO_SUCH_ADDRESS: Final = (400, 502)
"""Answers to a MOVE behind a proxy that ends TLS: the server knows itself under another address."""


class _Hidden:
    """In place of the bytes of a file that may be written but not read."""


def push(
    connection: HttpsConnection | S3Connection,
    folder: str,
    files: Sequence[tuple[str, bytes | Path]],
    where: str,
    settings: Settings,
) -> list[str]:
    """Leave files with a recipient, in the order given: each is there whole under its name, or not at all.

    One that is there with the same bytes is left alone, so a push may be repeated; one with others is never replaced.
    Answers the names that were written this time.
    """
    leave = _put_whole if isinstance(connection, S3Connection) else _put_in_pieces
    with closing(_Line(connection, where, settings)) as line:
        written = []
        for name, content in files:
            whole = content.read_bytes() if isinstance(content, Path) else content
            if line.again(partial(leave, line, f"{folder}/{name}", whole), SEND_AGAIN):
                written.append(name)
        return written


def fetch(
    connection: HttpsConnection | S3Connection,
    folder: str,
    names: Collection[str],
    where: str,
    settings: Settings,
) -> list[tuple[str, bytes]]:
    """The files of these names that stand in a recipient's folder, with their bytes; nothing there is changed."""
    with closing(_Line(connection, where, settings)) as line:
        found = {
            name: line.again(partial(line.content, f"{folder}/{name}", MAX_BODY_BYTES), PULL_AGAIN)
            for name in sorted(names)
        }
    # A store answers 403 for what is not there, too.
    hidden = [name for name, content in found.items() if isinstance(content, _Hidden)]
    if hidden and not isinstance(connection, S3Connection):
        what = f"the recipient does not let us read {folder}/{hidden[0]}."
        raise AgencyError(what, where, f"ask them for the right to read folder {folder}")
    return [(name, content) for name, content in found.items() if isinstance(content, bytes)]


class _Line:
    """One recipient's host: only checked addresses, no redirect, its own authority where one is named."""

    def __init__(self, connection: HttpsConnection | S3Connection, where: str, settings: Settings) -> None:
        url = read_variable(connection.url.env, where).rstrip("/")
        if fault_of_address(url) or urlsplit(url).scheme != "https":
            raise ConfigError(f"{connection.url.env} holds no https address.", where, f"fix {connection.url.env}")
        ca, certificate = pem_file(connection.ca, where) if connection.ca else None, None
        if isinstance(connection, S3Connection):
            self._proof = _s3_proof(connection, where)
            self.base_url = f"{url}/{read_variable(connection.bucket.env, where)}"
        else:
            # None of the kinds that are allowed here asks for a token.
            self._proof = connection.auth.proof(where, None)  # type: ignore[arg-type]
            self.base_url, certificate = url, connection.auth.certificate_files(where)
        self.where, self._settings = where, settings
        self._arguments = surroundings(url, ca, certificate)
        self._adapter = CheckedAdapter(settings, where)

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    def again(self, work: Callable[[], T], next_step: str) -> T:
        """Do a piece of work again and again within the retry budget."""
        return call_with_retry(work, self.where, self._settings.retry_seconds, next_step=next_step)

    def url(self, path: str) -> str:
        """The address of a file."""
        return f"{self.base_url}/{quote(path)}"

    def ask(
        self,
        method: str,
        path: str,
        wanted: Collection[int],
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        cap: int = 1 << 16,
    ) -> Answer:
        """The answer to one request. Raises a connector error for a status that is not wanted."""
        # As it is kept there: a packed answer would not be the bytes that were sent.
        sent = requests.PreparedRequest()
        sent.prepare(method, self.url(path), data=body, headers={"Accept-Encoding": "identity", **(headers or {})})
        self._proof(sent)
        arguments, seconds = self._arguments, self._settings.request_timeout_seconds
        try:
            # What is sent may take longer than an answer: ten kilobytes a second are counted for it.
            with budget(seconds + len(body) / 10_000):
                self._adapter.look_at_proxied(self.base_url, arguments)
                answer = exchanged(self._adapter, sent, arguments, seconds, self.where, wanted, cap)
        except requests.exceptions.SSLError as error:
            what = f"{tls_fault(error) or 'it makes no TLS connection with us'}."
            raise AgencyError(what, self.where, "check `ca` in the sink file, then ask them") from None
        except UnreadableError as error:
            raise error.error from None
        except (*LOST, OSError) as error:
            raise lost(error, "the recipient") from None
        is_page = answer.status == 200 and answer.body.lstrip()[:9].lower().startswith(_HTML)
        # What may be read back is compared with what was sent, whatever the answer says.
        if is_page and method in _CHANGES and (method == "MOVE" or not isinstance(self.content(path, 0), bytes)):
            what = f"the recipient answers {method} {path} with a page of HTML, perhaps of a login: that is no receipt."
            raise AgencyError(what, self.where, "check its address and our account, then jifen run")
        if answer.status in wanted:
            return answer
        if answer.status not in _REFUSED:
            require_not_busy(answer, "the recipient")
        why = _REFUSED.get(answer.status, "it does not say why")
        # The word of a store: RequestTimeTooSkewed is a matter of the clock.
        if said := _CODE.search(answer.body):
            why = f"{why}, {said[1].decode()}"
        what = f"the recipient refuses to {method} {path} ({answer.status}: {why})."
        raise AgencyError(what, self.where, _NEXT_STEP.format(path))

    def content(self, path: str, cap: int) -> bytes | _Hidden | None:
        """The bytes of a file; None where there is none."""
        try:
            answer = self.ask("GET", path, (200, 404, *_HIDDEN), cap=cap)
            status, body = answer.status, answer.body
        except TooLargeError as error:
            status, body = error.status, b""
        if status in _HIDDEN:
            return _Hidden()
        return body if status == 200 else None

    def is_left(self, path: str, content: bytes) -> bool:
        """Whether a file is there with these bytes. Raises `AgencyError` for one that is there with others."""
        found = self.content(path, len(content))
        if isinstance(found, bytes) and found != content:
            what = f"another {path} is there, and it is not replaced."
            raise AgencyError(what, self.where, "ask them to take it away, then jifen run")
        return isinstance(found, bytes)

    def length(self, path: str) -> int | None:
        """How many bytes are there of a file; None where there is no file, or no length in the answer."""
        answer = self.ask("HEAD", path, (200, 404, *_HIDDEN))
        length = answer.headers.get("Content-Length", "")
        return int(length) if answer.status == 200 and length.isdigit() else None

    def is_kept(self, path: str, content: bytes) -> bool:
        """Read back what was written: its bytes; where they may not be read, its length; where it has none, nothing."""
        found = self.content(path, len(content))
        if not isinstance(found, _Hidden):
            return found == content
        length = self.length(path)
        what = "it may not be read back, so it went in one piece" if length is None else "only its length is known"
        log.warning("%s: %s is left, and not compared: %s", self.where, path, what)
        return length in (None, len(content))

    def require_kept(self, path: str, content: bytes) -> None:
        """Read back what was written, as far as may be read; other bytes are removed, and an error is raised."""
        if self.is_kept(path, content):
            return
        self.ask("DELETE", path, (200, 202, 204, 404))
        what = f"the recipient kept other bytes of {path} than were sent."
        raise AgencyError(what, self.where, _NEXT_STEP.format(path))


def _put_whole(line: _Line, path: str, content: bytes) -> bool:
    """To a store that shows an object once it is whole, on condition that the name is free."""
    if line.is_left(path, content):
        return False
    answer = line.ask("PUT", path, (200, 201, 204, 409, 412, 501), content, {"If-None-Match": "*"})
    if answer.status == 501:
        # Some stores know no conditions. That the name is free was seen just now, where it could be seen.
        if isinstance(line.content(path, 0), _Hidden):
            what = "the recipient knows no If-None-Match, and we may not see whether another file is there."
            raise AgencyError(what, line.where, f"ask them for the right to read {path}")
        answer = line.ask("PUT", path, (200, 201, 204), content)
    if answer.status == 409:
        raise TryAgainError("another writes this name at the same time")
    if answer.status == 412:
        # It may be our own file: the answer to the first attempt may have been lost.
        if not line.is_left(path, content):
            what = f"another {path} is there, and we may not read it."
            raise AgencyError(what, line.where, "ask them what it is")
        return False
    line.require_kept(path, content)
    return True


def _put_in_pieces(line: _Line, path: str, content: bytes) -> bool:
    """To a folder: under a temporary name, continuing what is there of it; then renamed, where the name is free."""
    if line.is_left(path, content):
        return False
    folder, _, name = path.rpartition("/")
    part = f"{folder}/.{name}.part"
    if len(content) <= PIECE_BYTES or not _are_put(line, part, content) or not line.is_kept(part, content):
        line.ask("PUT", part, (200, 201, 204), content)
        line.require_kept(part, content)
    try:
        _move(line, part, path, content)
    except AgencyError:
        with suppress(AgencyError, TryAgainError):
            line.ask("DELETE", part, (200, 202, 204, 404))
        raise
    return True


def _move(line: _Line, part: str, path: str, content: bytes) -> None:
    """Give the file its name, and see that it left its temporary one; never over a file that is there."""
    whole, allowed = line.url(path), (201, 204, 412)
    headers = {"Destination": whole, "Overwrite": "F"}
    status = line.ask("MOVE", part, (*allowed, *_NO_SUCH_ADDRESS), headers=headers).status
    if status in _NO_SUCH_ADDRESS:
        headers["Destination"] = urlsplit(whole).path
        status = line.ask("MOVE", part, allowed, headers=headers).status
    if status == 412 and not line.is_left(path, content):
        raise AgencyError(f"another {path} is there, and it is not replaced.", line.where, "ask them to take it away")
    # Some servers copy.
    stays = status != 412 and line.content(part, len(content)) == content
    if stays and line.content(path, len(content)) != content:
        what = f"the recipient says that it renamed {part}, and it did not."
        raise AgencyError(what, line.where, "ask them to look into the log of their server")
    if stays:
        with suppress(AgencyError, TryAgainError):
            line.ask("DELETE", part, (200, 202, 204, 404))


def _are_put(line: _Line, part: str, content: bytes) -> bool:
    """Send the pieces that are not there yet; answers whether each was appended to the one before.

    A server that knows no `Content-Range` keeps each piece as the whole file, and reports success: the length is
    asked after each. Where it is not given, or is another, the file has to go in one piece.
    """
    begin = line.length(part) or 0
    # What may not be read back is not known to be ours; the cap of 0 bytes keeps the answer from being read.
    if begin > len(content) or isinstance(line.content(part, 0), _Hidden):
        begin = 0
    for start in range(begin, len(content), PIECE_BYTES):
        piece = content[start : start + PIECE_BYTES]
        end = start + len(piece)
        range_ = {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
        if line.ask("PUT", part, (200, 201, 204, *_NO_PIECES), piece, range_).status in _NO_PIECES:
            return False
        if line.length(part) != end:
            return False
    return True


def _s3_proof(connection: S3Connection, where: str) -> Proof:
    """What signs each request and the hash of its body (AWS Signature Version 4)."""
    try:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError:
        raise ConfigError("the package botocore is not installed.", where, "pip install 'jifen[s3]'") from None
    keys = (read_variable(one.env, where) for one in (connection.access_key, connection.secret_key))
    signer = S3SigV4Auth(Credentials(*keys), "s3", connection.region)

    def sign(request: requests.PreparedRequest) -> None:
        asked = AWSRequest(request.method, request.url, data=request.body)
        signer.add_auth(asked)
        request.headers.update(dict(asked.headers.items()))

    return Proof(sign)
