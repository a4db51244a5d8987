"""Posting one CloudEvents message to a webhook, signed; only what its recipient calls success counts as received."""

import re
import time
import zlib
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import replace
from itertools import islice
from json import detect_encoding
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter

from connectors.drivers.addresses import CheckedAdapter, fault_of_address
from connectors.drivers.answers import SHORTEST_SECRET, Secrets, UnreadableError, check_answered
from connectors.drivers.http_exchange import LOST, TooLargeError, exchanged, require_not_busy, surroundings, tls_fault
from connectors.drivers.listing import Answer
from connectors.drivers.retry import RELAY_AGAIN, TryAgainError, budget, not_now
from connectors.drivers.webhook_signature import signed_headers
from connectors.errors import AgencyError, ConfigError, GoneError, LineDeadError
from connectors.json_text import loads, loads_or_none
from connectors.sink_files import NoticeSink
from connectors.verdicts import refuses_receipt, unreceived
from ledger.settings import Settings, read_variable

MOST_OF_AN_ANSWER_BYTES = 1 << 16
GONE = 410
_GZIP = b"\x1f\x8b"
_DEEPEST = 3
"""How deep an answer is searched for parts that repeat our message."""
# Some channels wrap their JSON in the call of a function, as for a page of theirs.
_JSONP = re.compile(rb"\s*[A-Za-z_$][\w$.]*\((.*)\)[\s;]*", re.DOTALL)
_BEGINS_AS_JSON = re.compile(r'\[?\{\s*"')
# errcode=40001&errmsg=… or code: 500
_PAIR = re.compile(r"(\w+) ?[=:] ?([^\s&,;=:{}]*)")
_PAIRS = re.compile(rf"{_PAIR.pattern}(?:[\s&,;]+{_PAIR.pattern}){{0,50}}")
_BAD_NUMBER = re.compile(r"[45]\d\d")


def push(sink: NoticeSink, body: bytes, settings: Settings, adapter: HTTPAdapter | None = None) -> None:
    """Post the body (structured-mode CloudEvents JSON). The event's id lets the receiver drop a repetition.

    One attempt. Raises a connector error for whatever is not an acceptance. When it is tried again, and by which
    addresses are allowed (a `CheckedAdapter`), `flows.relay` says.
    """
    url = read_variable(sink.posted_to.url.env, sink.name)
    variable = sink.posted_to.secret.env if sink.posted_to.secret else ""
    secret = read_variable(variable, sink.name)
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        **signed_headers(str(loads(body)["id"]), int(time.time()), body, secret, variable, sink.name),
    }
    posted(sink, prepared(sink, url, headers, body), (*secret.split(), url), settings, adapter)


def posted(
    sink: NoticeSink,
    sent: requests.PreparedRequest,
    secrets: Iterable[str],
    settings: Settings,
    adapter: HTTPAdapter | None,
) -> None:
    """Post a request once; a connector error for whatever is not an acceptance."""
    url, timeout = sent.url or "", settings.request_timeout_seconds
    arguments = surroundings(url)
    tokens = [value for _, value in parse_qsl(urlsplit(url).query) if len(value) >= SHORTEST_SECRET]
    known = Secrets(lambda: tuple(filter(None, (*secrets, *tokens))), (), sink.name)
    body = sent.body if isinstance(sent.body, bytes) else b""
    with closing(adapter or HTTPAdapter()) as used, budget(settings.retry_seconds):
        try:
            if isinstance(used, CheckedAdapter):
                used.look_at_proxied(url, arguments)
            answer = exchanged(used, sent, arguments, timeout, sink.name, sink.statuses, MOST_OF_AN_ANSWER_BYTES)
            require_not_busy(answer, "the channel")
            _require_accepted(sink, answer, known, body)
        except UnreadableError as error:
            raise error.error from None
        except TooLargeError as error:
            what = f"the channel answers {error.status} and more than {MOST_OF_AN_ANSWER_BYTES} bytes: "
            raise AgencyError(f"{what}that is no receipt.", sink.name, "check its address") from None
        except TryAgainError as error:
            raise not_now(error, sink.name) from None
        except (*LOST, OSError) as error:
            fault = tls_fault(error)
            problem = f"{fault}." if fault else f"the channel does not answer ({type(error).__name__})."
            raise LineDeadError(problem, sink.name, RELAY_AGAIN) from None


def prepared(sink: NoticeSink, url: str, headers: dict[str, str], body: bytes) -> requests.PreparedRequest:
    """A request to the channel's address; a `ConfigError` where its variable holds none."""
    sent = requests.PreparedRequest()
    try:
        sent.prepare("POST", url, data=body, headers={"Accept-Encoding": "gzip", **headers})
        is_address = fault_of_address(url) is None
    except (requests.RequestException, ValueError):
        is_address = False
    if not is_address:
        variable = sink.posted_to.url.env
        raise ConfigError(f"{variable} holds no address.", sink.name, f"fix {variable}, then jifen sink check")
    return sent


def _require_accepted(sink: NoticeSink, answer: Answer, secrets: Secrets, sent: bytes) -> None:
    """An `AgencyError` for an answer that is no receipt."""
    answer = replace(answer, body=_in_utf8(answer.body))
    status, body = answer.status, answer.body
    form = answer.headers.get("Content-Type", "").lower()
    what, next_step = "", "check its secret and address"
    if status == GONE:
        what = "the channel says that it is gone for good (410)."
        raise GoneError(what, sink.name, "ask its people for another address, or remove its sink file")
    if status not in sink.statuses:
        elsewhere = ": it redirects us, perhaps to a login" if 300 <= status < 400 else ""
        what = f"the channel rejected the message with {status}{elsewhere}."
    elif body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or "html" in form:
        what = f"the channel answers {status} with a page of HTML or XML: that is no receipt."
        next_step = "check its address; a login page means that it does not accept our secret"
    if what:
        raise AgencyError(what, sink.name, next_step)
    wrapped = _JSONP.fullmatch(body)
    value = loads_or_none(wrapped[1] if wrapped else body)
    if isinstance(value, str):
        # Some frameworks write their JSON as a JSON text.
        value = loads_or_none(value.encode("utf-8", "replace"))
    if sink.answered is not None:
        if not isinstance(value, dict):
            what = f"the channel answers {status} without {sink.answered.code}, the field of its result."
            raise AgencyError(what, sink.name, "compare `answered` in the sink file with the channel's document")
        check_answered(sink.answered, body, value, sink.name, secrets.without)
        return
    refusal = _refusal(value, answer, sent)
    if refusal:
        raise AgencyError(
            f"the channel answers {status} and rejects the message: {secrets.without(refusal)}.",
            sink.name,
            "look it up in the channel's document; where it means success, declare `answered` in the sink file",
        )


def _in_utf8(body: bytes) -> bytes:
    """A body in UTF-8: channels write GBK and UTF-16 too, and some pack without saying so."""
    if body.startswith(_GZIP):
        with suppress(zlib.error):
            body = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, MOST_OF_AN_ANSWER_BYTES)
    for encoding in (detect_encoding(body), "gb18030"):
        with suppress(UnicodeDecodeError):
            return body.decode(encoding).encode()
    return body


def _refusal(value: Any, answer: Answer, sent: bytes) -> str:
    """What of an answer reports that the message was not accepted, or nothing."""
    if isinstance(value, (dict, list)):
        return ", ".join(islice(unreceived(_without_echo(value, loads(sent))), 3))
    text = answer.body.replace(sent, b"").decode("utf-8", "replace").strip()
    if _PAIRS.fullmatch(text) and (found := ", ".join(islice(unreceived(dict(_PAIR.findall(text))), 3))):
        return found
    if refuses_receipt(text) or _BAD_NUMBER.fullmatch(text):
        return text
    # A proxy between us may end an answer without a length where the line behind it broke.
    if _BEGINS_AS_JSON.match(text) and any(text.count(pair[0]) != text.count(pair[1]) for pair in ("{}", "[]")):
        raise TryAgainError(f"the channel answers {answer.status}, and its answer is cut short")
    return ""


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
