"""The REST agencies on loopback: tax office, patent office and credit office, each in its own dialect."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlencode
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from starlette.types import ASGIApp

from sandbox.journal import Journal
from sandbox.rest import RefusedError, Shelf, answer_page, as_json, check_up, office, page_size, watched, whole_number

TOKEN_SECONDS: Final = 600
CLOCK_SECONDS: Final = 300
_ZONE: Final = ZoneInfo("Asia/Shanghai")


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


@dataclass
class Tokens:
    """Bearer tokens that die after a number of requests or seconds."""

    journal: Journal
    _left: dict[str, tuple[float, int]] = field(default_factory=dict, init=False)

    def issue(self) -> dict[str, Any]:
        """Return a token response; how long it lives is in the fault plan (`token_requests`, `token_seconds`)."""
        plan = self.journal.plan("tax")
        seconds = plan.get("token_seconds", TOKEN_SECONDS)
        token = secrets.token_urlsafe(24)
        self._left[token] = (time.monotonic() + seconds, int(plan.get("token_requests", 1_000_000)))
        return {"access_token": token, "expires_in": seconds, "token_type": "Bearer"}

    def spend(self, authorization: str) -> None:
        """Use a token once; raise `RefusedError` (401) for one unknown, worn out or expired."""
        kind, _, token = authorization.partition(" ")
        dies_at, left = self._left.get(token, (0.0, 0))
        if kind.lower() != "bearer" or left <= 0 or time.monotonic() >= dies_at:
            self._left.pop(token, None)
            raise RefusedError(401, {"code": "401", "msg": "token invalid or expired"})
        self._left[token] = (dies_at, left - 1)


async def _client(request: Request) -> tuple[str, str]:
    """Return client id and secret from basic authentication, else from the form; check the grant type."""
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}
    if form.get("grant_type") != "client_credentials":
        raise RefusedError(400, {"error": "unsupported_grant_type"})
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise RefusedError(401, {"error": "invalid_client"}) from None
    return name, secret


def tax_office(state: Path, journal: Journal, client_id: str, client_secret: str) -> ASGIApp:
    """Make the tax office: OAuth2 client credentials, page numbers, envelope {"code", "data": {total, page, items}}."""
    app = office()
    tokens = Tokens(journal)

    @app.post("/oauth/token")
    async def token(request: Request) -> Response:
        check_up(journal, "tax")
        name, secret = await _client(request)
        if not (_same(name, client_id) and _same(secret, client_secret)):
            raise RefusedError(401, {"error": "invalid_client"})
        return as_json(tokens.issue())

    def listing(path: str, shelf: Shelf) -> None:
        @app.get(path)
        async def page(request: Request) -> Response:
            check_up(journal, "tax")
            tokens.spend(request.headers.get("authorization", ""))
            number, size = whole_number(request, "page", 1), page_size(request, "pageSize")
            records = shelf.records()

            def body(page: int) -> dict[str, Any]:
                items = records[(page - 1) * size : page * size] if page > 0 else []
                return {"code": "0", "data": {"total": len(records), "page": page, "items": items}}

            return await answer_page(journal, "tax", path, number, body)

    for dataset in ("statements", "rd_deductions", "vat_returns", "credit_grades", "arrears"):
        listing(f"/api/v1/{dataset.replace('_', '-')}", Shelf(state / "tax" / f"{dataset}.jsonl"))
    return watched(app, "tax", journal)


def patent_office(state: Path, journal: Journal, api_key: str) -> ASGIApp:
    """Make the patent office: key in a header, keyset cursor over ascending ids, {"records": [...]}."""
    app = office()

    def listing(path: str, shelf: Shelf) -> None:
        @app.get(path)
        async def after(request: Request) -> Response:
            check_up(journal, "patent")
            if not _same(request.headers.get("x-api-key", ""), api_key):
                raise RefusedError(401, {"error": "invalid api key"})
            cursor, size = whole_number(request, "after", 0), page_size(request, "limit")
            records = sorted(shelf.records(), key=lambda record: int(record["id"]))
            start = bisect_right(records, cursor, key=lambda record: int(record["id"]))
            number = start // size + 1

            def body(page: int) -> dict[str, Any]:
                first = max(start + (page - number) * size, 0)
                return {"records": records[first : first + size]}

            return await answer_page(journal, "patent", path, number, body)

    for dataset in ("applications", "pct_applications", "software_and_layouts"):
        listing(f"/v2/{dataset.replace('_', '-')}", Shelf(state / "patent" / f"{dataset}.jsonl"))
    return watched(app, "patent", journal)


def string_to_sign(
    method: str, path: str, params: Iterable[tuple[str, str]], stamp: str, nonce: str, body: bytes
) -> str:
    """Return what the credit office signs: six lines, the parameters sorted and URL-encoded, the body as SHA-256."""
    return "\n".join([method, path, urlencode(sorted(params)), stamp, nonce, hashlib.sha256(body).hexdigest()])


@dataclass
class Seals:
    """The credit office's check of signed requests: known application, a clock near ours, fresh nonce, right seal."""

    app_key: str
    app_secret: str
    _nonces: dict[str, float] = field(default_factory=dict, init=False)

    async def check(self, request: Request) -> None:
        """Raise `RefusedError` (401) for a request that is not sealed as it must be; its code says what is wrong."""
        headers = request.headers
        stamp, nonce = headers.get("x-timestamp", ""), headers.get("x-nonce", "")
        if not _same(headers.get("x-app-key", ""), self.app_key):
            raise RefusedError(401, {"code": "UNKNOWN_APP", "msg": "unknown application key"})
        now = time.time()
        if not (stamp.isascii() and stamp.isdigit()) or abs(now - int(stamp)) > CLOCK_SECONDS:
            raise RefusedError(401, {"code": "STALE_TIMESTAMP", "msg": "timestamp is more than 300 s away"})
        params = parse_qsl(request.url.query, keep_blank_values=True)
        text = string_to_sign(request.method, request.url.path, params, stamp, nonce, await request.body())
        seal = hmac.new(self.app_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not nonce or not _same(headers.get("x-signature", ""), seal):
            raise RefusedError(401, {"code": "BAD_SIGNATURE", "msg": "signature does not match"})
        self._nonces = {known: at for known, at in self._nonces.items() if now - at <= 2 * CLOCK_SECONDS}
        if nonce in self._nonces:
            raise RefusedError(401, {"code": "REPLAYED_NONCE", "msg": "nonce was used before"})
        self._nonces[nonce] = now


def _instant(text: str) -> datetime:
    """Read an ISO instant; one without offset is the zone's own time."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=_ZONE)


def _changed_since(records: Iterable[dict[str, Any]], since: str | None, key: str) -> list[dict[str, Any]]:
    """Return records changed at or after an instant, in order of change and key."""
    try:
        bound = _instant(since) if since else None
    except ValueError:
        raise RefusedError(400, {"code": "400", "msg": "updated_since must be an ISO instant"}) from None
    dated = [(_instant(str(record["updatedAt"])), str(record[key]), record) for record in records]
    dated.sort(key=lambda entry: entry[:2])
    return [record for at, _, record in dated if bound is None or at >= bound]


def credit_office(state: Path, journal: Journal, app_key: str, app_secret: str) -> ASGIApp:
    """Make the credit office: each request signed, changes since an instant, {"total", "items"}."""
    app = office()
    seals = Seals(app_key, app_secret)

    def listing(path: str, shelf: Shelf, key: str) -> None:
        @app.get(path)
        async def changes(request: Request) -> Response:
            check_up(journal, "credit")
            await seals.check(request)
            number, size = whole_number(request, "page", 1), page_size(request, "size")
            records = _changed_since(shelf.records(), request.query_params.get("updated_since"), key)

            def body(page: int) -> dict[str, Any]:
                return {"total": len(records), "items": records[(page - 1) * size : page * size] if page > 0 else []}

            return await answer_page(journal, "credit", path, number, body)

    listing("/openapi/evaluations", Shelf(state / "credit" / "evaluations.jsonl"), "evaluationNo")
    listing("/openapi/events", Shelf(state / "credit" / "events.jsonl"), "eventNo")
    listing("/openapi/repairs", Shelf(state / "credit" / "repairs.jsonl"), "repairNo")
    return watched(app, "credit", journal)
