"""Posting one CloudEvents message to a webhook, signed; only what its recipient calls success counts as received."""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
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
from ledger.settings import Settings, read_variable

MOST_OF_AN_ANSWER_BYTES = 1 << 16

# Names that tell how it went, lower case and without _ and -, and the values by which they tell that it went well.
_CODES = {
    "code",
    "errcode",
    "errorcode",
    "errno",
    "ret",
    "retcode",
    "rtncode",
    "returncode",
    "resultcode",
    "statuscode",
}
_CODES |= {"bizcode", "respcode", "rspcode", "responsecode"}
_GOOD_CODE = re.compile(r"0+|2\d\d|ok|success|succeeded|true|none|null|", re.IGNORECASE)
_TRUTHS = {"success", "succeeded", "succeed", "succ", "issuccess", "ok", "accepted", "delivered"}
_UNTRUE = re.compile(r"false|f|no|n|0|fail\w*|error", re.IGNORECASE)
_ERRORS = {"error", "errors", "exception", "fault"}
_NO_ERROR = re.compile(r"false|0+|none|null|ok|success|", re.IGNORECASE)
_STATES = {"status", "state", "result"}
_BAD_STATE = re.compile(r"false|-\d+|[45]\d\d|fail\w*|err\w*|refused|rejected|denied|invalid|forbidden", re.IGNORECASE)
_BAD_TEXT = re.compile(
    r"\b(fail\w*|err(or)?|invalid\w*|denied|refused|rejected|forbidden|false)\b|^-\d|失败|错误|拒绝", re.IGNORECASE
)
_OF_ANYTHING = {"code", "ret", "accepted", "delivered", *_STATES}
"""Names that a record inside the answer may have as well: beside a verdict above it they say nothing."""

_SAID = ("message", "msg", "errmsg", "errormsg", "errormessage", "errordescription", "statusmessage", "description")


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
            _require_accepted(sink, status, told, content, secrets)
            return
        raise TryAgainError(problem)

    with closing(HTTPAdapter()) as adapter:
        call_with_retry(attempt, sink.name, settings.retry_seconds, next_step=SEND_AGAIN)


def _require_accepted(
    sink: NoticeSink, status: int, headers: Mapping[str, str], body: bytes | None, secrets: Secrets
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
        value = loads(body)
    except (ValueError, RecursionError):
        value = None
    if sink.answered is not None:
        if not isinstance(value, dict):
            what = f"the channel answers {status} without {sink.answered.code}, by which it tells how it went."
            raise AgencyError(what, sink.name, "compare `answered` in the sink file with the channel's document")
        check_answered(sink.answered, body, value, sink.name, secrets)
        return
    told = ", ".join(islice(_refusals(value), 3)) if isinstance(value, (dict, list)) else _refusal_in_words(body)
    if told:
        raise AgencyError(
            f"the channel answers {status} and refuses the message: {secrets.without(told)}.",
            sink.name,
            "look it up in the channel's document; where it means success, say so by `answered` in the sink file",
        )


def _refusals(value: Any, depth: int = 0, is_judged: bool = False) -> Iterator[str]:
    """What in an answer says no by the names that are in use, with the message beside it."""
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            continue
        plain = {re.sub("[_-]", "", str(name)).lower(): (name, held) for name, held in one.items()}
        said = next((f" ({plain[name][1]})" for name in _SAID if isinstance(plain.get(name, ("", 0))[1], str)), "")
        for name, (shown, held) in plain.items():
            if not (is_judged and name in _OF_ANYTHING) and _says_no(name, held):
                yield f"{shown} is {held}{said}"
        if depth < 2:
            is_judged_here = is_judged or bool(plain.keys() & (_CODES | _TRUTHS))
            for held in one.values():
                yield from _refusals(held, depth + 1, is_judged_here)


def _says_no(name: str, held: Any) -> bool:
    if isinstance(held, (dict, list)):
        told = "" if isinstance(held, dict) else " ".join(one for one in held if isinstance(one, str))
        return (name in _ERRORS and bool(held)) or (name in _CODES and _BAD_TEXT.search(told) is not None)
    text = str("" if held is None else held).strip()
    return (
        (name in _CODES and _GOOD_CODE.fullmatch(text) is None)
        or (name in _TRUTHS and _UNTRUE.fullmatch(text) is not None)
        or (name in _ERRORS and _NO_ERROR.fullmatch(text) is None)
        or (name in _STATES and _BAD_STATE.fullmatch(text) is not None)
    )


def _refusal_in_words(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    return text if _BAD_TEXT.search(text) else ""
