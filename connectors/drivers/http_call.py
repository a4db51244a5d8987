"""One agency asked over HTTP: kept connections, its rate budget, retries, caps, and a name for whatever goes wrong."""

import json
import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from connectors.decoders.what_it_is import what_it_is
from connectors.drivers.answers import Secrets, TokenDiedError, UnreadableError, check_answered, decoded
from connectors.drivers.auth import Auth, Granted, PostForm, header_text, make_auth
from connectors.drivers.hosts import budget_of
from connectors.drivers.http_body import LOST, TooLargeError, exchanged, how_lost, read_body
from connectors.drivers.listing import Answer, Question
from connectors.drivers.pages import MAX_BODY_BYTES, Ask
from connectors.drivers.retry import TryAgainError, budget, call_with_retry, retry_after_seconds
from connectors.drivers.tls import Tls
from connectors.errors import AgencyError, ConfigError, ConnectorError, DataError, TransientError
from connectors.json_path import field_of, shape_of
from connectors.json_text import loads
from connectors.spec import Answered, Decoder, JsonDecoder, RestConnection
from connectors.strict import Variable

SMALLEST_CAP_BYTES = 8 * 1024 * 1024
MOST_OF_A_REFUSAL_BYTES = 1 << 20
_HEADERS = {"User-Agent": "jifen", "Accept": "*/*", "Accept-Encoding": "gzip"}
_SAYS_NO = ("code", "errcode", "error", "msg", "message", "errmsg", "error_description")


@dataclass(frozen=True)
class Endpoint:
    """A place to ask: `path` below the base address, `shown` the same as it may stand in a message.

    A parameter that `body` names (`page.no`: inside a part) goes into the body, as text or number like what stands
    there; every other one goes into the query.
    """

    path: str
    shown: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    body_as: str = "json"
    decoder: Decoder | None = None
    """The form of what is asked for; None: JSON that holds no records, such as the state of a job."""
    may_be_empty: bool = False
    answered: Answered | None = None
    statuses: frozenset[int] = frozenset({200})


@dataclass(frozen=True)
class _Received:
    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: requests.PreparedRequest
    cookies: Mapping[str, str]


class Http:
    """One agency's host for the time of one pull. Threads may share it; close it when done."""

    def __init__(self, ask: Ask, connection: RestConnection, base_url: str, encodings: tuple[str, ...] = ()) -> None:
        # Its lines hold whole addresses, and an address may hold a key.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL)
        self._where, self._settings, self._limits = ask.dataset.address, ask.settings, connection.limits
        self._base_url, self._variables = base_url, ", ".join(ask.source.variables())
        self._tls = Tls.of(ask.source, connection, base_url)
        self._adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connection.limits.connections)
        self._budget, self._stop = budget_of(base_url), threading.Event()
        self._cap = max(SMALLEST_CAP_BYTES, MAX_BODY_BYTES // connection.limits.connections)
        post: PostForm = self._post_form
        self._auth = make_auth(ask.source, connection, post)
        self._headers, hidden = _fixed(connection.headers, ask.source.name)
        asked, more = _fixed(getattr(ask.dataset.request, "headers", {}), ask.source.name)
        self._asked_headers = {**self._headers, **asked}
        self._secrets = Secrets(lambda: (*self._auth.live_secrets(), *hidden, *more), encodings, self._where)
        self.without = self._secrets.without
        self._pool: ThreadPoolExecutor | None = None

    def close(self) -> None:
        """Stop whatever waits to try again, and let go of the connections."""
        self._stop.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._adapter.close()

    def sleep(self, seconds: float) -> None:
        """Wait, or until all of this is closed."""
        self._stop.wait(seconds)

    def at(self, endpoint: Endpoint) -> "EndpointAsker":
        """Who asks at one place."""
        return EndpointAsker(self, endpoint)

    def ask(self, endpoint: Endpoint, question: Question) -> Answer:
        """One answer, judged; whatever may pass is tried again within the budget."""
        empty = unreadable = 0

        def exchange(*, is_second: bool = False) -> Answer:
            nonlocal empty
            with self._budget.slot(self._limits):
                if self._stop.is_set():
                    raise TransientError("the pull was broken off.", self._where, "run `jifen run` again")
                received = self._send(endpoint, question, self._auth)
            empty += not received.body.strip()
            # Nothing at all is believed once it is said twice: the first time it may have been lost on the way.
            form = endpoint if empty > 1 else replace(endpoint, may_be_empty=False)
            try:
                return self._judge(form, question, received)
            except TokenDiedError as error:
                if is_second or not self._auth.renew(received.sent):
                    raise error.error from None
            except UnreadableError:
                # A session that has died may be told by the page to log in.
                self._auth.renew(received.sent)
                raise
            return exchange(is_second=True)

        def attempt() -> Answer:
            nonlocal unreadable
            try:
                return exchange()
            except UnreadableError as error:
                unreadable += 1
                # A page for people may come once in a while; the second time it is believed.
                raise error.error if unreadable > 1 else TryAgainError(error.error.what.rstrip(".")) from None

        seconds = self._settings.retry_seconds
        if question.once:
            with budget(min(seconds, self._settings.request_timeout_seconds)):
                return attempt()
        return call_with_retry(attempt, self._where, seconds, self.sleep)

    def in_order(self, endpoint: Endpoint, questions: Iterable[Question]) -> Iterator[Answer]:
        """The answers in order. As many are under way or wait to be taken as there are connections, never more.

        With one connection nothing is asked for ahead; with more, the next are on their way while one is worked on.
        """
        if self._limits.connections == 1:
            for question in questions:
                yield self.ask(endpoint, question)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._limits.connections, thread_name_prefix=self._where)
        ahead: deque[Future[Answer]] = deque()
        left = iter(questions)
        try:
            ahead.extend(self._asked(endpoint, left, self._limits.connections))
            while ahead:
                answer = ahead.popleft().result()
                ahead.extend(self._asked(endpoint, left, 1))
                yield answer
        finally:
            for waiting in ahead:
                waiting.cancel()

    def _asked(self, endpoint: Endpoint, left: Iterator[Question], count: int) -> list[Future[Answer]]:
        if self._pool is None:
            return []
        return [self._pool.submit(self.ask, endpoint, question) for question in islice(left, count)]

    def _judge(self, endpoint: Endpoint, question: Question, received: _Received) -> Answer:
        self._secrets.refuse_in(received.headers, received.body)
        status, headers = received.status, received.headers
        if status in (408, 425, 429) or status >= 500:
            wish = retry_after_seconds(headers.get("Retry-After"), headers.get("Date"))
            raise TryAgainError(f"the agency answers {status}", wish)
        if status not in endpoint.statuses:
            refused = self._refused(endpoint, status, headers)
            raise TokenDiedError(refused) if status == 401 or 300 <= status < 400 else refused
        if status == 204:
            return Answer(b"", headers, None, self._address(endpoint, question))
        value = decoded(received.body, endpoint.decoder, endpoint.may_be_empty, self._limits.connections, self._where)
        if endpoint.answered is not None:
            check_answered(endpoint.answered, received.body, value, self._where, self._secrets)
        # What was asked for, not what was sent: an auth may have put a key into that.
        return Answer(received.body, headers, value, self._address(endpoint, question))

    def _refused(self, endpoint: Endpoint, status: int, headers: Mapping[str, str]) -> AgencyError:
        what = f"the agency answers {status} to {self._base_url}{endpoint.shown}."
        if status in (401, 403):
            return AgencyError(
                what, self._where, f"check {self._variables}; if they are right, ask the agency to let us in"
            )
        if status == 204:
            nothing = "the agency answers 204: it has nothing for us."
            next_step = "ask the agency what it means by it"
            if isinstance(endpoint.decoder, JsonDecoder):
                next_step = "declare none: true under decoder if that means no record"
            return AgencyError(nothing, self._where, next_step)
        if status == 206:
            part = "the agency answers 206: a part of the content, though the whole was asked for."
            return AgencyError(part, self._where, "ask the agency why")
        if 300 <= status < 400:
            target = urlsplit(headers.get("Location", ""))
            to = self._secrets.without(f"{target.scheme}://{target.hostname}" if target.hostname else "another path")
            what = f"the agency answers {status}: it sends us elsewhere ({to}), and our credentials do not go along."
        return AgencyError(
            what, self._where, "compare path and parameters in the source file with the agency's document"
        )

    def _address(self, endpoint: Endpoint, question: Question) -> str:
        return self._base_url + endpoint.path if question.link is None else _origin(self._base_url) + question.link

    def _send(self, endpoint: Endpoint, question: Question, auth: Auth) -> _Received:
        params, body = _places(endpoint, question)
        url = self._address(endpoint, question)
        if question.link is not None:
            params = {}
        fields: dict[str, Any] = {"params": params, "headers": {**_HEADERS, **self._asked_headers}}
        if endpoint.method == "POST" and endpoint.body_as == "form":
            fields["data"] = body
        elif endpoint.method == "POST":
            fields["data"], sent_as = json.dumps(body), {"Content-Type": "application/json"}
            fields["headers"] = {**_HEADERS, **sent_as, **self._asked_headers}
        return self._exchange(endpoint.method, url, fields, auth, endpoint.shown, endpoint.statuses)

    def _exchange(
        self, method: str, url: str, fields: dict[str, Any], auth: Auth, shown: str, wanted: frozenset[int]
    ) -> _Received:
        """One request and its answer. What a library raises may hold an address or a header, so none of it goes on."""
        timeout = self._settings.request_timeout_seconds
        try:
            sent = requests.PreparedRequest()
            sent.prepare(method, url, **{"headers": _HEADERS, **fields}, auth=auth)
            self._budget.pace(self._limits, self._stop)

            def read(answer: requests.Response) -> _Received:
                body = self._body(answer, wanted, timeout)
                return _Received(answer.status_code, answer.headers, body, sent, answer.cookies.get_dict())

            return exchanged(self._adapter, sent, self._tls.arguments, timeout, self._where, read)
        except (ConnectorError, TryAgainError, UnreadableError):
            raise
        except TooLargeError:
            problem: Exception = DataError(
                f"the answer is larger than {self._cap} bytes.",
                self._where,
                "ask for smaller pages in the source file, or with fewer connections",
            )
        except LOST as error:
            refused = self._tls.refusal(str(error), self._where)
            problem = refused or TryAgainError(f"no whole answer from {self._base_url}{shown} ({how_lost(error)})")
        except (requests.RequestException, OSError, ValueError) as error:
            what = f"cannot ask {self._base_url}{shown} ({type(error).__name__})."
            problem = ConfigError(what, self._where, f"check {self._variables}, then jifen source check")
        raise problem

    def _body(self, answer: requests.Response, wanted: frozenset[int], timeout: float) -> bytes:
        if answer.status_code in wanted:
            return read_body(answer, self._cap, timeout, self._where)
        try:
            return read_body(answer, MOST_OF_A_REFUSAL_BYTES, timeout, self._where)
        except (TooLargeError, UnreadableError):
            return b""

    def _post_form(self, path: str, form: Mapping[str, Any], auth: Auth, as_json: bool) -> Granted:
        """A token or login endpoint asked. Its caller holds a connection already, and judges the answer."""
        fields: dict[str, Any] = {"json" if as_json else "data": dict(form), "headers": {**_HEADERS, **self._headers}}
        received = self._exchange("POST", self._base_url + path, fields, auth, path, frozenset({200, 201}))
        if received.status in (408, 425, 429) or received.status >= 500:
            wish = retry_after_seconds(received.headers.get("Retry-After"), received.headers.get("Date"))
            raise TryAgainError(f"the token endpoint answers {received.status}", wish)
        try:
            value = loads(received.body)
        except (ValueError, RecursionError):
            return Granted(received.status, None, received.cookies, f"is {what_it_is(received.body)}")
        return Granted(received.status, value, received.cookies, shape_of(value), self._said_in(value))

    def _said_in(self, value: Any) -> str:
        """How an answer says no, by the names that are usual; of the rest that it may hold nothing is told."""
        fields = value if isinstance(value, dict) else {}
        said = [f"{name} {fields[name]}" for name in _SAYS_NO if isinstance(fields.get(name), (str, int))]
        return f" It says {self._secrets.without(', '.join(said))}." if said else ""


def _places(endpoint: Endpoint, question: Question) -> tuple[dict[str, str], dict[str, Any]]:
    """What goes into the query, and what into the body."""
    body = deepcopy(dict(endpoint.body))
    for name, value in question.body.items():
        _put(body, name, value)
    query = {}
    for name, value in {**endpoint.params, **question.params}.items():
        stands = field_of(dict(endpoint.body), name)
        if stands is None:
            query[name] = value
        elif isinstance(stands, int) and value.isascii() and value.isdigit():
            _put(body, name, int(value))
        else:
            _put(body, name, value)
    return query, body


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    """Set a field of a body; a name with points leads into its parts, which are made where they are not there."""
    *steps, last = [name] if name in body else name.split(".")
    for step in steps:
        body = body.setdefault(step, {})
    body[last] = value


def _fixed(headers: Mapping[str, str | Variable], where: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Fixed headers with their values, and those of them that are secret."""
    read = {name: header_text(value, where) for name, value in headers.items() if isinstance(value, Variable)}
    plain = {name: value for name, value in headers.items() if isinstance(value, str)}
    return {**plain, **read}, tuple(read.values())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class EndpointAsker:
    """The questions of a paginator, asked at one place of one agency."""

    http: Http
    endpoint: Endpoint

    def ask(self, question: Question) -> Answer:
        """The answer to one question."""
        return self.http.ask(self.endpoint, question)

    def in_order(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """The answers in the order of the questions."""
        return self.http.in_order(self.endpoint, questions)
