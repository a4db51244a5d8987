"""Pulling from a REST agency: one session, retries, and paginators that check what they are told."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import requests

from connectors.drivers.auth import RenewableAuth, make_auth
from connectors.drivers.pages import MAX_BODY_BYTES, Ask, Cursor, Page
from connectors.drivers.retry import TryAgainError, call_with_retry, retry_after_seconds
from connectors.errors import AgencyError, ConfigError, DataError, PagingFaultError
from connectors.json_path import MissingFieldError, at_path
from connectors.spec import JsonDecoder, Keyset, PageNumber, RestConnection, RestRequest
from ledger.settings import read_variable


def pull(ask: Ask) -> Iterator[Page]:
    """Yield the pages of one dataset. See `Page`; raises the connector errors, `PagingFaultError` among them."""
    connection, request, decoder = ask.source.connection, ask.dataset.request, ask.dataset.decoder
    if not (
        isinstance(connection, RestConnection)
        and isinstance(request, RestRequest)
        and isinstance(decoder, JsonDecoder)
        and ask.dataset.paginator is not None
    ):
        raise ConfigError("is not a REST dataset.", ask.dataset.address, "jifen source check")
    base_url = read_variable(connection.base_url.env, ask.source.name).rstrip("/")
    if urlsplit(base_url).username is not None:
        # The address stands in messages, and whoever reads them must not learn a password.
        raise ConfigError(f"{connection.base_url.env} holds a user name.", ask.dataset.address, "name it under auth")
    params = dict(request.params)
    if request.since is not None:
        params[request.since.param] = ask.since or request.since.start
    with requests.Session() as session:
        session.auth = make_auth(ask.source, connection, base_url, ask.settings.request_timeout_seconds)
        caller = _Caller(session, base_url + request.path, ask)
        match ask.dataset.paginator:
            case PageNumber() as paginator:
                yield from _by_number(caller, paginator, decoder.records, params, ask)
            case Keyset() as paginator:
                yield from _by_key(caller, paginator, decoder.records, params, ask)


class _Caller:
    """One URL asked again and again: retries, one renewal of the auth per attempt, a cap on the size of the answer."""

    def __init__(self, session: requests.Session, url: str, ask: Ask) -> None:
        self._session, self._url, self._ask = session, url, ask

    def get(self, params: dict[str, str]) -> tuple[bytes, Any]:
        """The body as received and its JSON; whatever may pass is tried again within the budget."""
        where = self._ask.dataset.address

        def attempt() -> tuple[bytes, Any]:
            status, headers, body = self._once(params)
            if status == 401 and self._renew():
                status, headers, body = self._once(params)
            if status == 429 or status >= 500:
                raise TryAgainError(f"the agency answers {status}", retry_after_seconds(headers.get("Retry-After")))
            if status != 200:
                what = f"the agency answers {status} to {self._url}."
                if status in (401, 403):
                    names = ", ".join(self._ask.source.variables())
                    raise AgencyError(what, where, f"check {names}; if they are right, ask the agency to let us in")
                raise AgencyError(
                    what, where, "compare path and parameters in the source file with the agency's document"
                )
            try:
                return body, json.loads(body, parse_float=Decimal)
            except (ValueError, RecursionError) as error:
                raise TryAgainError(f"the body is not whole JSON ({len(body)} bytes)") from error

        return call_with_retry(attempt, where, self._ask.settings.retry_seconds)

    def _renew(self) -> bool:
        auth = self._session.auth
        return isinstance(auth, RenewableAuth) and auth.renew()

    def _once(self, params: dict[str, str]) -> tuple[int, Any, bytes]:
        timeout = self._ask.settings.request_timeout_seconds
        try:
            # A redirect would carry the credentials to another host.
            with self._session.get(
                self._url, params=params, timeout=timeout, stream=True, allow_redirects=False
            ) as answer:
                body = bytearray()
                for chunk in answer.iter_content(1 << 16):
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise DataError(
                            f"the answer is larger than {MAX_BODY_BYTES} bytes.",
                            self._ask.dataset.address,
                            "ask for smaller pages in the source file",
                        )
                return answer.status_code, answer.headers, bytes(body)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise TryAgainError(f"no whole answer from {self._url} ({type(error).__name__})") from error
        except requests.RequestException as error:
            raise AgencyError(
                f"cannot ask {self._url} ({type(error).__name__}).", self._ask.dataset.address, "jifen source check"
            ) from error


def _records(answer: Any, path: str, ask: Ask) -> list[Any]:
    try:
        records = at_path(answer, path)
    except MissingFieldError as error:
        raise AgencyError(f"{error}.", ask.dataset.address, "compare the answer with the source file") from error
    if not isinstance(records, list):
        raise AgencyError(f"{path} is not a list.", ask.dataset.address, "compare the answer with the source file")
    return records


def _by_number(caller: _Caller, paginator: PageNumber, path: str, params: dict[str, str], ask: Ask) -> Iterator[Page]:
    """Pages 1, 2, 3 … until the declared total is there; a total that moves or is not met is a fault.

    Records that came twice are landing's to judge: it sees all pages.
    """
    at = ask.resume or {"page": 1, "received": 0, "total": None}
    while True:
        asked = {**params, paginator.page_param: str(at["page"]), paginator.size_param: str(paginator.size)}
        body, answer = caller.get(asked)
        records = _records(answer, path, ask)
        total = _records_total(answer, paginator.total, ask)
        received = at["received"] + len(records)
        fault = None
        if at["total"] is not None and total != at["total"]:
            fault = f"the declared total moved from {at['total']} to {total}"
        elif received > total or (not records and received < total):
            fault = f"{received} records for a declared total of {total}"
        if fault:
            raise PagingFaultError(f"{fault}.", ask.dataset.address, "run again; if it stays, call the agency")
        following: Cursor | None = None
        if received < total:
            following = {"page": at["page"] + 1, "received": received, "total": total}
        yield Page(f"page {at['page']}", body, following)
        if following is None:
            return
        at = following


def _records_total(answer: Any, path: str, ask: Ask) -> int:
    try:
        return int(at_path(answer, path))
    except (MissingFieldError, TypeError, ValueError) as error:
        raise AgencyError(
            f"no total at {path} ({error}).", ask.dataset.address, "compare the answer with the source file"
        ) from error


def _by_key(caller: _Caller, paginator: Keyset, path: str, params: dict[str, str], ask: Ask) -> Iterator[Page]:
    """Records after the last id until an empty page; ids that do not ascend are a fault, for some would be lost.

    A record without a whole number for an id moves nothing, and is landing's to refuse.
    """
    after = int((ask.resume or {"after": 0})["after"])
    while True:
        asked = {**params, paginator.after_param: str(after), paginator.size_param: str(paginator.size)}
        body, answer = caller.get(asked)
        records = _records(answer, path, ask)
        if not records:
            yield Page(f"after {after}", body, None)
            return
        stated = [record.get(paginator.cursor) for record in records if isinstance(record, dict)]
        ids = [found for found in stated if isinstance(found, int)]
        if not ids or sorted({after, *ids}) != [after, *ids]:
            raise PagingFaultError(
                f"the ids after {after} do not ascend.", ask.dataset.address, "run again; if it stays, call the agency"
            )
        after = ids[-1]
        yield Page(f"up to {after}", body, {"after": after})
