"""Posting one CloudEvents message to a webhook, signed; only what its recipient calls success counts as received."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from contextlib import closing
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter

from connectors.drivers.answers import SHORTEST_SECRET, Secrets, UnreadableError, check_answered
from connectors.drivers.http_body import LOST, TooLargeError, exchanged, read_body
from connectors.drivers.retry import SEND_AGAIN, TryAgainError, call_with_retry, retry_after_seconds
from connectors.drivers.tls import surroundings
from connectors.errors import AgencyError, ConfigError
from connectors.json_text import loads
from connectors.sink_files import NoticeSink
from connectors.verdicts import refusals, refuses
from ledger.settings import Settings, read_variable

MOST_OF_AN_ANSWER_BYTES = 1 << 16
_DEEPEST = 3
_JSONP = re.compile(rb"\s*[A-Za-z_$][\w$.]*\((.*)\)[\s;]*", re.DOTALL)
_BAD_NUMBER = re.compile(r"[45]\d\d")


def push(sink: NoticeSink, body: bytes, settings: Settings) -> None:
    """Post the body (structured-mode CloudEvents JSON). The message's id lets the receiver drop a repetition.

    Raises a connector error for whatever is not an acceptance: what is refused stays owed, and the next run sends it.
    """
    url = read_variable(sink.connection.url.env, sink.name)
    secret = read_variable(sink.connection.secret.env, sink.name)
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "Accept-Encoding": "gzip",
        "X-Jifen-Signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    sent = requests.PreparedRequest()
    try:
        sent.prepare("POST", url, data=body, headers=headers)
        is_address = urlsplit(url).scheme in ("http", "https")
    except (requests.RequestException, ValueError):
        is_address = False
    if not is_address:
        variable = sink.connection.url.env
        raise ConfigError(f"{variable} holds no address.", sink.name, f"mend {variable}, then jifen run")
    arguments, timeout = surroundings(url), settings.request_timeout_seconds
    tokens = [value for _, value in parse_qsl(urlsplit(url).query) if len(value) >= SHORTEST_SECRET]
    secrets = Secrets(lambda: (secret, url, *tokens), (), sink.name)

    def read(answer: requests.Response) -> tuple[int, Mapping[str, str], bytes | None]:
        try:
            content: bytes | None = read_body(answer, MOST_OF_AN_ANSWER_BYTES, timeout, sink.name)
        except TooLargeError:
            content = None
        return answer.status_code, answer.headers, content

    def attempt() -> None:
        try:
            status, told, content = exchanged(adapter, sent, arguments, timeout, sink.name, read)
        except UnreadableError as error:
            raise error.error from None
        except (*LOST, OSError) as error:
            problem = f"the channel does not answer ({type(error).__name__})"
        else:
            _require_accepted(sink, status, told, content, secrets, body)
            return
        raise TryAgainError(problem)

    with closing(HTTPAdapter()) as adapter:
        call_with_retry(attempt, sink.name, settings.retry_seconds, next_step=SEND_AGAIN)


def _require_accepted(
    sink: NoticeSink, status: int, headers: Mapping[str, str], body: bytes | None, secrets: Secrets, sent: bytes
) -> None:
    if status in (408, 425, 429) or status >= 500:
        wish = retry_after_seconds(headers.get("Retry-After"), headers.get("Date"))
        raise TryAgainError(f"the channel answers {status}", wish)
    if status not in sink.statuses:
        elsewhere = ": it sends us elsewhere, perhaps to log in" if 300 <= status < 400 else ""
        raise AgencyError(
            f"the channel refuses the message with {status}{elsewhere}.", sink.name, "check its secret and address"
        )
    if body is None:
        what = f"the channel answers {status} and more than {MOST_OF_AN_ANSWER_BYTES} bytes: that is no receipt."
        raise AgencyError(what, sink.name, "check its address")
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or "html" in headers.get("Content-Type", "").lower():
        what = f"the channel answers {status} with a page of HTML or XML: that is no receipt."
        raise AgencyError(what, sink.name, "check its address; a page to log in means that it does not know us")
    try:
        wrapped = _JSONP.fullmatch(body)
        value = loads(wrapped[1] if wrapped else body)
    except (ValueError, RecursionError):
        value = None
    if sink.answered is not None:
        if not isinstance(value, dict):
            what = f"the channel answers {status} without {sink.answered.code}, by which it tells how it went."
            raise AgencyError(what, sink.name, "compare `answered` in the sink file with the channel's document")
        check_answered(sink.answered, body, value, sink.name, secrets)
        return
    if isinstance(value, (dict, list)):
        told = ", ".join(islice(refusals(_without_echo(value, loads(sent))), 3))
    else:
        text = body.replace(sent, b"").decode("utf-8", "replace").strip()
        told = text if refuses(text) or _BAD_NUMBER.fullmatch(text) else ""
    if told:
        raise AgencyError(
            f"the channel answers {status} and refuses the message: {secrets.without(told)}.",
            sink.name,
            "look it up in the channel's document; where it means success, say so by `answered` in the sink file",
        )


def _without_echo(value: Any, sent: dict[str, Any], depth: int = 0) -> Any:
    """An answer without the parts that only repeat our message, whose own words are no verdict on it."""
    if isinstance(value, list):
        return [_without_echo(one, sent, depth + 1) for one in value] if depth <= _DEEPEST else value
    if not isinstance(value, dict) or depth > _DEEPEST:
        return value
    # One name alone may be the channel's own.
    if len(value) > 1 and any(_repeats(value, part) for part in (sent, sent.get("data"))):
        return {}
    return {name: _without_echo(held, sent, depth + 1) for name, held in value.items()}


def _repeats(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _repeats(held, whole[name]) for name, held in part.items())
    return bool(part == whole)
