"""One REST agency: the paths of its datasets, its authentication, and its answers under the fault plan."""

import asyncio
import gzip
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from connectors.spec import Answered, ReportJob, RestRequest
from sandbox.standin.drift import sent_records
from sandbox.standin.encode import content_type, encode, set_path
from sandbox.standin.faults import FaultPlan, PlantedFault, names_of
from sandbox.standin.gate import Call, Gate
from sandbox.standin.journal import Journal
from sandbox.standin.pages import Asked, Envelope, RefusedError, View, envelope_of, page_size, view_of
from sandbox.standin.records import Entry, Stock
from sandbox.standin.routes import DOWNLOADS, Match, asked_for, held_in, meets, places
from sandbox.standin.struck import BODIES, false_envelope, has_false_total, page_of, refusal_of
from sandbox.standin.wire import WHOLE, Reply, deliver

JSON: Final = {"Content-Type": "application/json"}
_POLLS: Final = 2
"""At this poll an ordered report is done: a client that asks once must see that it is not."""
_GZIP_FROM: Final = 1_500
"""What fits into one packet is sent as it is, as servers do."""


@dataclass
class Order:
    """A report that was ordered: for which dataset, with which parameters, and how often its state was polled."""

    stock: Stock
    asked: Asked
    polls: int = 0


@dataclass
class Office:
    """An agency's HTTP side. Also an ASGI application."""

    source: str
    stocks: Mapping[str, Stock]
    gate: Gate
    plan: FaultPlan
    journal: Journal
    latency_seconds: float = 0.0
    orders: dict[str, Order] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        raw_path = scope.get("raw_path", b"").decode("ascii").partition("?")[0]
        query = tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(scope["method"], scope["path"], raw_path, query, headers, await request.body())
        origin = f"{scope['scheme']}://{headers.get('host', '')}"
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        reply = self.reply(call, origin)
        shown = {name: value for name, value in query if name not in self.gate.secret_params}
        gone = reply.wire is not None and reply.wire.name not in WHOLE
        self.journal.record(
            self.source, reply.dataset, reply.kind, call.method, call.path, 0 if gone else reply.status,
            query=shown, position=reply.position, faults=reply.faults,
        )  # fmt: skip
        await deliver(reply, scope, receive, send)

    def reply(self, call: Call, origin: str) -> Reply:
        """The answer to a request; one that cannot be answered is refused in the agency's form."""
        if call.path == self.gate.grant_path:
            return self._grant(call)
        match: Match | None = None
        try:
            match = self._match(call)
            return self._answer(match, call, origin)
        except RefusedError as error:
            dataset = match.stock.dataset.name if match else None
            kind = "other" if match is None else "data" if match.role in ("data", "download") else "job"
            return self._refuse(error, match, kind, dataset)

    def _refuse(self, error: RefusedError, match: Match | None, kind: str, dataset: str | None) -> Reply:
        answered = _answered(match.stock) if match else None
        if answered is not None and (error.status != 401 or answered.expired):
            body: dict[str, Any] = {}
            set_path(body, answered.code, answered.expired[0] if error.status == 401 else f"E{error.status}")
            set_path(body, answered.message or "message", error.message)
            return Reply(200, _json(body), dict(JSON), kind, dataset)
        body = {"code": error.code, "message": error.message}
        return Reply(error.status, _json(body), {**JSON, **error.headers}, kind, dataset)

    def _grant(self, call: Call) -> Reply:
        for fault in self.plan.of(self.source, None, ("token",)):
            if fault.strike():
                return Reply(503, _json({"message": "busy"}), dict(JSON), "token", faults=(fault.name,))
        kind = "token" if self.gate.auth.kind.startswith("oauth") else "login"
        try:
            granted = self.gate.grant(call)
        except RefusedError as error:
            return Reply(error.status, _json({"error": error.code, "message": error.message}), dict(JSON), kind)
        return Reply(200, _json(granted.body), {**JSON, **granted.headers}, kind)

    def _match(self, call: Call) -> Match:
        """The dataset whose path, method and fixed parameters a request meets."""
        found: RefusedError = RefusedError(404, "NOT_FOUND", "no such path")
        for stock in self.stocks.values():
            request = stock.dataset.request
            if not isinstance(request, RestRequest):
                continue
            for role, path, method, fixed in places(request):
                held = held_in(path, call.raw_path)
                if held is None:
                    continue
                if method != call.method:
                    found = RefusedError(405, "METHOD", f"{method} only")
                elif not meets(stock.dataset, request, fixed, call):
                    found = RefusedError(400, "MISSING_PARAMETER", "a parameter that this path needs is missing")
                else:
                    return Match(stock, role, held)
        raise found

    def _answer(self, match: Match, call: Call, origin: str) -> Reply:
        stock = match.stock
        asked = asked_for(match, call, origin, self.gate.secret_params)
        if match.role in ("create", "status"):
            self._check(call, stock, None)
            return self._job(match, asked)
        if match.role == "download":
            order = self.orders.get(match.held["job"])
            if order is None or order.stock is not stock:
                raise RefusedError(404, "NOT_FOUND", "no such report")
            asked = order.asked
        view: View | None = None
        refused: RefusedError | None = None
        try:
            view = view_of(stock, asked)
        except RefusedError as error:
            refused = error
        self._check(call, stock, view)
        if view is None:
            raise refused or RefusedError(400, "BAD_REQUEST", "no such page")
        return self._data(stock, view, asked, call)

    def _check(self, call: Call, stock: Stock, view: View | None) -> None:
        request, ahead = stock.dataset.request, 0.0
        self.gate.require(request.headers if isinstance(request, RestRequest) else {}, call)
        faults = self.plan.of(self.source, stock.dataset.name, ("auth",))
        for fault in faults:
            if fault.name == "signature_clock_skew":
                ahead = 600.0
            elif fault.name == "token_expires" and view is not None and _covers(view, fault) and fault.strike():
                self.gate.forget()
        self.gate.check(call, ahead)
        if any(fault.name == "token_of_one_request" and fault.strike() for fault in faults):
            self.gate.spend(call)

    def _struck(self, view: View, stage: str) -> list[PlantedFault]:
        dataset, count = view.stock.dataset.name, len(view.stock.entries)
        return self.plan.striking(self.source, dataset, (stage,), view.places, count, page_size(view.stock))

    def _data(self, stock: Stock, view: View, asked: Asked, call: Call) -> Reply:
        position = view.entries[0].index // page_size(stock) + 1 if view.entries else None
        sent = {name: value for name, value in call.headers.items() if name not in ("host", "connection")}
        if status := self._struck(view, "status")[:1]:
            address = f":{asked.origin.rpartition(':')[2]}{call.raw_path}?{urlencode(call.query)}"
            refusal = refusal_of(status[0], {**sent, **dict(call.query)}, address)
            name = stock.dataset.name
            return replace(refusal, kind="data", dataset=name, position=position, faults=names_of(status))
        reply = Reply(200, b"", {"Content-Type": content_type(stock.dataset)}, "data", stock.dataset.name, position)
        used: list[PlantedFault] = []
        entries, envelope = self._page(view, asked, {**sent, **dict(call.query)}, used)
        drifts = self.plan.of(self.source, stock.dataset.name, ("drift",))
        records, drifted = sent_records(stock, entries, drifts, page_size(stock))
        reply.headers |= envelope.headers
        reply.body = encode(stock.dataset, records, {**_ok(stock), **envelope.body})
        spoilt = self._struck(view, "body")
        for fault in spoilt:
            reply.body = BODIES[fault.name](view, reply.body)
        wires = self._struck(view, "wire")
        reply.wire = wires[0] if wires else None
        reply.faults = names_of([*used, *drifted, *spoilt, *wires])
        _pack_for(call, reply)
        return reply

    def _page(
        self, view: View, asked: Asked, sent: Mapping[str, str], used: list[PlantedFault]
    ) -> tuple[list[Entry], Envelope]:
        """The records of a page and their envelope; `used` gains the faults that struck."""
        stock, entries = view.stock, view.entries
        total: int | None = None
        for fault in self.plan.of(self.source, stock.dataset.name, ("view",)):
            other, stated = page_of(view, fault)
            if other is not None and (fault.name == "moved_record" or fault.strike()):
                entries, total = other, stated
                used.append(fault)
        envelope = envelope_of(view, asked, total=total)
        for fault in self.plan.of(self.source, stock.dataset.name, ("answer",)):
            is_met = has_false_total(view, fault) if fault.name.startswith("total_") else _covers(view, fault)
            if is_met and fault.strike():
                envelope = false_envelope(view, asked, fault, envelope, sent)
                used.append(fault)
        return entries, envelope

    def _job(self, match: Match, asked: Asked) -> Reply:
        request = match.stock.dataset.request
        job = request.job if isinstance(request, RestRequest) else None
        if job is None:
            raise RefusedError(404, "NOT_FOUND", "no reports here")
        body: dict[str, Any] = {}
        for path, value in _ok(match.stock).items():
            set_path(body, path, value)
        if match.role == "create":
            name = f"R{secrets.token_hex(6)}"
            self.orders[name] = Order(match.stock, asked)
            set_path(body, job.id, name)
            return Reply(202, _json(body), dict(JSON), "job", match.stock.dataset.name)
        return self._job_state(match, job, body)

    def _job_state(self, match: Match, job: ReportJob, body: dict[str, Any]) -> Reply:
        name, dataset = match.held["job"], match.stock.dataset.name
        order = self.orders.get(name)
        if order is None:
            raise RefusedError(404, "NOT_FOUND", "no such report")
        faults = self.plan.of(self.source, dataset, ("job",))
        struck = [fault for fault in faults if fault.strike()][:1]
        state = "RUNNING"
        if struck and struck[0].name == "job_fails":
            state = job.failed[0]
        elif not struck:
            order.polls += 1
            state = job.done[0] if order.polls >= _POLLS else "RUNNING"
        set_path(body, job.status, state)
        if state == job.done[0] and job.download_url is not None:
            set_path(body, job.download_url, DOWNLOADS.replace("{job}", name))
        return Reply(200, _json(body), dict(JSON), "job", dataset, None, names_of(struck))


def _covers(view: View, fault: PlantedFault) -> bool:
    return fault.covers(view.places, len(view.stock.entries), page_size(view.stock))


def _answered(stock: Stock) -> Answered | None:
    return stock.dataset.request.answered if isinstance(stock.dataset.request, RestRequest) else None


def _ok(stock: Stock) -> dict[str, Any]:
    """The success code of an agency that answers with codes; a code of digits is sent as a number."""
    answered = _answered(stock)
    if answered is None:
        return {}
    code = answered.ok[0]
    answer: dict[str, Any] = {answered.code: int(code) if code.isdigit() and str(int(code)) == code else code}
    return {**answer, **({answered.message: "成功"} if answered.message else {})}


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _pack_for(call: Call, reply: Reply) -> None:
    """Compress a long answer where the client accepts gzip, unless a fault compresses it in its own way."""
    takes = "gzip" in call.headers.get("accept-encoding", "")
    if takes and reply.wire is None and len(reply.body) > _GZIP_FROM and reply.headers["Content-Type"].endswith("json"):
        reply.body = gzip.compress(reply.body, 1)
        reply.headers["Content-Encoding"] = "gzip"
