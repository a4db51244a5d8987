"""Pulling from a REST agency: endpoint, paginator and HTTP client put together."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from urllib.parse import quote, urlsplit

from connectors.drivers.addresses import fault_of_address
from connectors.drivers.answers import is_json
from connectors.drivers.http_call import Endpoint, Http
from connectors.drivers.jobs import report
from connectors.drivers.listing import Listing, short_hash
from connectors.drivers.pages import Ask, Cursor, Page
from connectors.drivers.paging import Days, TimeWindow
from connectors.errors import ConfigError, DataError, PagingFaultError
from connectors.json_path import RecordsAt
from connectors.spec import Dataset, JsonDecoder, JsonLinesDecoder, Partition, RestConnection, RestRequest
from ledger.settings import read_variable


def pull(ask: Ask) -> Iterator[Page]:
    """Yield the pages of one dataset. See `Page`; raises the connector errors, `PagingFaultError` among them."""
    connection, request = ask.source.connection, ask.dataset.request
    if not (isinstance(connection, RestConnection) and isinstance(request, RestRequest)):
        raise ConfigError("is not a REST dataset.", ask.dataset.address, "jifen source check")
    with closing(Http(ask, connection, request, _base_url(ask, connection))) as http:
        yield from _pages(http, request, ask)


def _base_url(ask: Ask, connection: RestConnection) -> str:
    """The base address. It is repeated in messages, so it must hold no password."""
    name, where = connection.base_url.env, ask.dataset.address
    base_url = read_variable(name, ask.source.name).rstrip("/")
    wrong = fault_of_address(base_url)
    if wrong is None and (urlsplit(base_url).query or urlsplit(base_url).fragment):
        wrong = "it has a query or a fragment, which belong under params"
    if wrong:
        raise ConfigError(f"{name} holds no address: {wrong}.", where, "set it like https://agency.example/api")
    if urlsplit(base_url).username is not None:
        raise ConfigError(f"{name} holds a user name.", where, "name it under auth")
    return base_url


def _pages(http: Http, request: RestRequest, ask: Ask) -> Iterator[Page]:
    endpoint, dataset = _endpoint(http, request, ask), ask.dataset
    decoder, paginator, partition = dataset.decoder, dataset.paginator, request.partition
    at = RecordsAt.of(dataset, decoder) if isinstance(decoder, JsonDecoder) and is_json(decoder) else None
    listing = Listing(endpoint, dataset.address, at, _telling_apart(dataset), without=http.without)
    if request.job is not None:
        yield from report(request.job, endpoint, listing, ask)
        return
    if paginator is None:
        raise ConfigError("a path is requested page by page.", dataset.address, "declare a paginator")
    days = _days(request, ask)
    if partition is None:
        yield from paginator.pages(listing, ask.resume, days)
        return

    def pages_for(value: str, resume: Cursor | None) -> Iterator[Page]:
        there = _endpoint_of(endpoint, partition, value, dataset.address)
        return paginator.pages(replace(listing, asker=there), resume, days)

    yield from partitioned(listing, partition, ask.partition_values, ask.resume, pages_for)


def _endpoint(http: Http, request: RestRequest, ask: Ask) -> Endpoint:
    """Where to ask, with the lower bound of a change feed unless time windows carry it."""
    decoder, since = ask.dataset.decoder, request.since
    params = dict(request.params)
    if since is not None and since.param != getattr(ask.dataset.paginator, "from_param", None):
        params[since.param] = ask.since or since.start
    may_be_empty = isinstance(decoder, JsonLinesDecoder) and decoder.archive is None
    may_be_empty |= isinstance(decoder, JsonDecoder) and decoder.none
    return Endpoint(
        http,
        path=request.path or "",
        shown=request.path or "",
        method=request.method,
        params=params,
        body=request.body,
        body_as=request.body_as,
        decoder=decoder,
        may_be_empty=may_be_empty,
        statuses=frozenset({200, 204} if may_be_empty else {200}),
        answered=request.answered,
    )


def _endpoint_of(endpoint: Endpoint, partition: Partition, value: str, where: str) -> Endpoint:
    """The place of one partition. A value of dots, or of nothing, would climb to another path."""
    if partition.param is not None:
        return replace(endpoint, params={**endpoint.params, partition.param: value})
    if not value.strip("."):
        what = f"a value of {partition.name} is empty or made of dots."
        raise DataError(what, where, "look at the dataset that it comes from")
    place = "{" + partition.name + "}"
    path = endpoint.path.replace(place, quote(value, safe=""))
    return replace(endpoint, path=path, shown=endpoint.shown.replace(place, _shown(value)))


def _telling_apart(dataset: Dataset) -> tuple[str, ...]:
    """The fields of the key; in a change feed all of them, for a key may come as often as it changed."""
    key = dataset.columns if dataset.load == "upsert" else [c for c in dataset.columns if c.name in dataset.key]
    return tuple(column.source_field for column in key)


def _days(request: RestRequest, ask: Ask) -> Days:
    """First and last day to ask for; a bound with a time of day is read in the zone's own time."""
    paginator = ask.dataset.paginator
    if not isinstance(paginator, TimeWindow):
        return ask.as_of, ask.as_of
    first = paginator.start
    if request.since is not None and request.since.param == paginator.from_param and ask.since is not None:
        bound = dt.datetime.fromisoformat(ask.since)
        first = (bound.astimezone(ask.settings.zone) if bound.tzinfo else bound).date()
    return first, ask.as_of


def partitioned(
    listing: Listing,
    partition: Partition,
    values: Sequence[str],
    resume: Cursor | None,
    pages_for: Callable[[str, Cursor | None], Iterator[Page]],
) -> Iterator[Page]:
    """The pages of each value in order. What goes wrong within one value begins again with that value.

    A cursor counts values, so it is of use only while they are the same: else all begins again.
    """
    values = list(dict.fromkeys(values))
    start: Cursor = {"kind": "partition", "partition": 0, "value_sha": short_hash(repr(values)), "inner": None}
    at = listing.begin(resume, start)
    if at["value_sha"] != start["value_sha"]:
        raise listing.fault(f"the values of {partition.name} changed while they were asked for")
    for place, value in list(enumerate(values))[at["partition"] :]:
        here = at if place == at["partition"] else {**start, "partition": place}
        following = {**start, "partition": place + 1} if place + 1 < len(values) else None
        try:
            for page in pages_for(value, here["inner"]):
                cursor = following if page.next_cursor is None else {**here, "inner": page.next_cursor}
                yield replace(page, label=f"[{partition.name}={_shown(value)}] {page.label}", next_cursor=cursor)
        except PagingFaultError as error:
            is_beginning = place == 0 and error.restart_at is None
            again = None if is_beginning else {**start, "partition": place, "inner": error.restart_at}
            raise PagingFaultError(error.what, error.where, error.next_step, again) from None


def _shown(value: str) -> str:
    """A value as it may stand in a label: short, without signs that a terminal would obey, and still its own."""
    plain = "".join(sign for sign in value if sign.isprintable())
    return value if plain == value and len(value) <= 60 else f"{plain[:40]}~{short_hash(value)}"
