"""Requests to one agency over HTTP: kept connections, rate budget, retries, caps, and an error for each fault."""

import json
import logging
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from connectors.drivers.answers import Secrets, TokenDiedError, UnreadableError, check_answered, decoded
from connectors.drivers.auth import Proof, Session, header_text, pem_file
from connectors.drivers.http_exchange import (
    LOST,
    TooLargeError,
    budget_of,
    exchanged,
    lost,
    require_not_busy,
    surroundings,
    tls_fault,
)
from connectors.drivers.listing import Answer, Question
from connectors.drivers.pages import MAX_BODY_BYTES, Ask
from connectors.drivers.retry import TryAgainError, budget, call_with_retry
from connectors.errors import AgencyError, ConfigError, DataError, TransientError
from connectors.json_path import field_of
from connectors.json_text import loads_or_none
from connectors.spec import Answered, Decoder, JsonDecoder, RestConnection, RestRequest
from connectors.strict import Variable

SMALLEST_CAP_BYTES = 8 * 1024 * 1024
# Only gzip, which is unpacked here and not by the library: its output is counted while it grows.
_HEADERS = {"User-Agent": "jifen", "Accept": "*/*", "Accept-Encoding": "gzip"}
_TOKEN_MAY_BE_DEAD = {401, 403, 419, 440, 498}
"""The first is the standard; servers use the others for the same."""
_TLS_FAULTS = {
    ("CERTIFICATE_VERIFY_FAILED", "DOESN'T MATCH", "HOSTNAME MISMATCH"): (
        "its certificate is not one we trust.",
        "check `ca` in the source file, then ask them",
    ),
    (
        *("ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "CERTIFICATE_REQUIRED"),
        *("ALERT_CERTIFICATE", "HANDSHAKE_FAILURE"),
    ): ("it refuses our certificate.", "check certificate and key, then ask to be let in"),
}
"""Words of the library about a certificate -> the error and its next step."""


class Http:
    """One agency's host for the time of one pull. Threads may share it; close it when done."""

    def __init__(self, ask: Ask, connection: RestConnection, request: RestRequest, base_url: str) -> None:
        # Its lines hold whole addresses, and an address may hold a key.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL)
        self.where, self.settings, self.limits = ask.dataset.address, ask.settings, connection.limits
        self.base_url, self.variables = base_url, ", ".join(ask.source.variables())
        self.budget, self.stop = budget_of(base_url), threading.Event()
        ca = pem_file(connection.ca, ask.source.name) if connection.ca else None
        self._arguments = surroundings(base_url, ca, connection.auth.certificate_files(ask.source.name))
        self._adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connection.limits.connections)
        self._cap = max(SMALLEST_CAP_BYTES, MAX_BODY_BYTES // connection.limits.connections)
        self.session = ask.lines.sessions.setdefault(ask.source.name, Session())
        self.proof = connection.auth.proof(ask.source.name, self)
        self._headers, hidden = _fixed(connection.headers, ask.source.name)
        asked, more = _fixed(request.headers, ask.source.name)
        self.request_headers = {**self._headers, **asked}
        encodings = tuple(name for name in getattr(ask.dataset.decoder, "encodings", ()) if name != "utf-8")
        self.secrets = Secrets(lambda: (*self.proof.live_secrets(), *hidden, *more), encodings, self.where)
        self.without = self.secrets.without

    def close(self) -> None:
        """Stop every retry that waits, and close the connections."""
        self.stop.set()
        if "pool" in vars(self):
            self.pool.shutdown(wait=True, cancel_futures=True)
        self._adapter.close()

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """As many threads as there may be connections, made where they are first needed."""
        return ThreadPoolExecutor(self.limits.connections, thread_name_prefix=self.where)

    def post(self, path: str, fields: Mapping[str, Any], proof: Proof, *, as_json: bool) -> Answer:
        """The answer of a token or login endpoint. Its caller holds a connection already, and judges the answer."""
        body = {"json" if as_json else "data": dict(fields), "headers": {**_HEADERS, **self._headers}}
        _, answer = self.exchange("POST", self.base_url + path, body, proof, path, {200, 201})
        require_not_busy(answer, "the token endpoint")
        return replace(answer, value=loads_or_none(answer.body))

    def exchange(
        self, method: str, url: str, fields: Mapping[str, Any], proof: Proof, shown: str, wanted: set[int]
    ) -> tuple[requests.PreparedRequest, Answer]:
        """One request and its answer. Errors of libraries may hold an address or a header: they are not chained."""
        timeout = self.settings.request_timeout_seconds
        try:
            sent = requests.PreparedRequest()
            sent.prepare(method, url, **fields, auth=proof)
            self.budget.pace(self.limits, self.stop)
            return sent, exchanged(self._adapter, sent, self._arguments, timeout, self.where, wanted, self._cap)
        except TooLargeError:
            problem: Exception = DataError(
                f"the answer is larger than {self._cap} bytes.",
                self.where,
                "ask for smaller pages in the source file, or with fewer connections",
            )
        except LOST as error:
            problem = self._refused_certificate(error) or lost(error, f"{self.base_url}{shown}")
        except (requests.RequestException, OSError, ValueError) as error:
            what = f"cannot ask {self.base_url}{shown} ({type(error).__name__})."
            problem = ConfigError(what, self.where, f"check {self.variables}, then jifen source check")
        raise problem

    def _refused_certificate(self, error: BaseException) -> AgencyError | None:
        why, text = tls_fault(error) or "", str(error).upper()
        if why.startswith("its certificate"):
            return AgencyError(f"{why}.", self.where, "check `ca` in the source file, then ask them")
        for signs, (what, next_step) in _TLS_FAULTS.items():
            if any(sign in text for sign in signs):
                return AgencyError(what, self.where, next_step)
        return None


def _fixed(headers: Mapping[str, str | Variable], where: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Fixed headers with their values, and those of them that are secret."""
    read = {name: header_text(value, where) for name, value in headers.items() if isinstance(value, Variable)}
    plain = {name: value for name, value in headers.items() if isinstance(value, str)}
    return {**plain, **read}, tuple(read.values())


@dataclass(frozen=True)
class Endpoint:
    """An address on a host: `path` below the base address, `shown` the same as it may stand in a message.

    A parameter that `body` names (`page.no`: inside a part) goes into the body, as text or number like what stands
    there; every other one goes into the query.
    """

    http: Http
    path: str
    shown: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    body_as: str = "json"
    decoder: Decoder | None = None
    """The form of the answer; None: JSON that holds no records, such as the state of a job."""
    may_be_empty: bool = False
    answered: Answered | None = None
    statuses: frozenset[int] = frozenset({200})

    def in_order(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """The answers in order. As many are under way or wait to be taken as there are connections, never more.

        With one connection nothing is requested ahead; with more, the next are under way while one is worked on.
        """
        http, left = self.http, iter(questions)
        if http.limits.connections == 1:
            yield from map(self.ask, left)
            return
        ahead: deque[Future[Answer]] = deque()
        try:
            ahead.extend(http.pool.submit(self.ask, one) for one in islice(left, http.limits.connections))
            while ahead:
                answer = ahead.popleft().result()
                ahead.extend(http.pool.submit(self.ask, one) for one in islice(left, 1))
                yield answer
        finally:
            for waiting in ahead:
                waiting.cancel()

    def ask(self, question: Question) -> Answer:
        """One answer, checked; faults that may pass are retried within the budget."""
        http, met = self.http, Counter[str]()

        def attempt(*, is_second: bool = False) -> Answer:
            sent = None
            try:
                with http.budget.slot(http.limits):
                    if http.stop.is_set():
                        raise TransientError("the pull was broken off.", http.where, "run `jifen run` again")
                    sent, answer = self._exchange(question)
                met["empty"] += not answer.body.strip()
                # An empty body counts the second time: the first time the content may have been lost on the way.
                return self._judged(answer, may_be_empty=self.may_be_empty and met["empty"] > 1)
            except TokenDiedError as error:
                if sent is None or is_second or not http.proof.renew(sent):
                    raise error.error from None
            except UnreadableError as error:
                if sent is not None:
                    # A login page may mean that the session has ended.
                    http.proof.renew(sent)
                met["unreadable"] += 1
                # A page of HTML may come once by chance; the second time it is an error.
                again = TryAgainError(error.error.what.rstrip("."))
                raise (error.error if met["unreadable"] > 1 else again) from None
            return attempt(is_second=True)

        seconds = http.settings.retry_seconds
        if question.once:
            # Asked to prove something alone: it must not cost what a page may.
            with budget(min(seconds, http.settings.request_timeout_seconds)):
                return attempt()
        return call_with_retry(attempt, http.where, seconds, http.stop.wait)

    def _exchange(self, question: Question) -> tuple[requests.PreparedRequest, Answer]:
        params, body = self._places(question)
        url = self.http.base_url + self.path
        if question.link is not None:
            parts = urlsplit(url)
            url, params = f"{parts.scheme}://{parts.netloc}{question.link}", {}
        fields: dict[str, Any] = {"params": params, "headers": {**_HEADERS, **self.http.request_headers}}
        if self.method == "POST" and self.body_as == "form":
            fields["data"] = body
        elif self.method == "POST":
            fields["data"] = json.dumps(body)
            fields["headers"] = {**_HEADERS, "Content-Type": "application/json", **self.http.request_headers}
        sent, answer = self.http.exchange(self.method, url, fields, self.http.proof, self.shown, set(self.statuses))
        # The address without the auth, which may have put a key into the one that was sent.
        return sent, replace(answer, url=url)

    def _places(self, question: Question) -> tuple[dict[str, str], dict[str, Any]]:
        """What goes into the query, and what into the body."""
        body, query = deepcopy(dict(self.body)), {}
        for name, value in question.body.items():
            _put(body, name, value)
        for name, value in {**self.params, **question.params}.items():
            stands = field_of(dict(self.body), name)
            if stands is None:
                query[name] = value
            else:
                is_number = isinstance(stands, int) and value.isascii() and value.isdigit()
                _put(body, name, int(value) if is_number else value)
        return query, body

    def _judged(self, answer: Answer, *, may_be_empty: bool) -> Answer:
        http = self.http
        http.secrets.refuse_in(answer.headers, answer.body)
        require_not_busy(answer, "the agency")
        if answer.status not in self.statuses:
            refused = self._refused(answer)
            may_pass = answer.status in _TOKEN_MAY_BE_DEAD or 300 <= answer.status < 400
            raise TokenDiedError(refused) if may_pass else refused
        if answer.status == 204:
            return replace(answer, body=b"")
        value = decoded(answer.body, self.decoder, may_be_empty, http.limits.connections, http.where)
        if self.answered is not None:
            check_answered(self.answered, answer.body, value, http.where, http.without)
        return replace(answer, value=value)

    def _refused(self, answer: Answer) -> AgencyError:
        http, status = self.http, answer.status
        what = f"the agency answers {status} to {http.base_url}{self.shown}."
        next_step = "compare path and parameters in the source file with the agency's document"
        if status in (401, 403):
            next_step = f"check {http.variables}; if they are right, ask the agency to grant access"
        elif status == 204:
            what, next_step = "the agency answers 204: it has nothing for us.", "ask the agency what it means by it"
            if isinstance(self.decoder, JsonDecoder):
                next_step = "declare none: true under decoder if that means no record"
        elif status == 206:
            what = "the agency answers 206: a part of the content, though the whole was asked for."
            next_step = "ask the agency why"
        elif status == 304:
            what = "the agency answers 304: it says that nothing has changed, though we hold nothing to compare."
        elif 300 <= status < 400:
            to = http.without(_led_to(answer.headers.get("Location", "")))
            what = f"the agency answers {status}: it redirects us ({to}), and our credentials do not go there."
        return AgencyError(what, http.where, next_step)


def _led_to(location: str) -> str:
    """Where a redirect leads, without its query, which may hold a token."""
    try:
        target = urlsplit(location)
    except ValueError:
        return "no address"
    return f"{target.scheme}://{target.hostname}" if target.hostname else target.path or "nowhere"


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    """Set a field of a body; a name with points leads into its parts, which are made where they are not there."""
    *steps, last = [name] if name in body else name.split(".")
    for step in steps:
        body = body.setdefault(step, {})
    body[last] = value
