"""Checks of what is remembered between pulls: resuming, repeating, lower bounds, and late changes."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import update

from connectors.drivers.paging import Offset, PageNumber, TimeWindow
from connectors.spec import DatabaseConnection, Dataset, FileRequest, RestConnection, RestRequest
from ledger.store import Row
from ledger.tables import batches
from sandbox.acceptance.judge import differences
from sandbox.acceptance.store import StoppedError, TrialStore, Watch, key_of
from sandbox.acceptance.trial import (
    LandedDataset,
    NotApplicableError,
    SourceCheck,
    Trial,
    check_each,
    check_landed,
    expect,
)

CURSOR_BYTES = 2048
"""The most that a checkpoint may hold, whatever the length of the listing."""

CHECKPOINTS = 12
"""How many checkpoints of a longer listing are tried, unless all are requested."""

CHECKPOINTS_FOR_REAL = 3
"""The same for a real agency: each checkpoint costs it one more whole pull."""

CHANGES_TRIED = 4
FILE_TIME_SECONDS = 1.1

FAR_AHEAD = "2190-01-01T00:00:00"


def _expect_equal(dataset: Dataset, store: TrialStore, rows: Sequence[Row], what: str) -> None:
    found = differences(dataset, store.held(dataset), rows)
    expect(not found, f"{what}, {len(found)} differences: {'; '.join(str(one) for one in found[:2])}")


@check_landed("两次读取一致", "two sequential reads equal")
def sequential_reads_equal(one: LandedDataset) -> str:
    """Answers that differ from one reading to the next cannot be the basis of a score."""
    with one.trial.store() as store:
        one.trial.pull_with_parents(store, one.dataset)
        expect(landed := store.landed(one.dataset), "the second read landed nothing")
    is_same = landed[-1]["content_sha256"] == one.batch["content_sha256"]
    expect(is_same, "two reads of the same agency say different things")
    return f"{one.batch['rows_landed']} rows, twice"


@check_each("重复拉取无新增", "a second pull says unchanged")
def second_pull_unchanged(trial: Trial, dataset: Dataset) -> str:
    """Every run may be run twice."""
    store = trial.healthy.required()
    before = store.held(dataset)
    pulled = store.pull(trial.source, dataset)
    expect(pulled.state == "unchanged", f"the second pull is {pulled.state}: {pulled.message}")
    _expect_equal(dataset, store, before, "an unchanged pull changed what is held")
    return f"{pulled.rows_received} received, nothing new"


@contextmanager
def _stopped(one: LandedDataset, stop: int) -> Iterator[tuple[TrialStore, Watch]]:
    """A store in which a pull died with so many pages kept and was taken up again; what the second one fetched."""
    with one.trial.store() as store:
        one.trial.pull_parents(store, one.dataset)
        one.trial.clear_requests()
        try:
            store.pull(one.trial.source, one.dataset, Watch(stop_after=stop))
        except StoppedError:
            expect(not store.promoted(one.dataset), f"stopped after {stop} pages, and a batch was promoted")
        watch = Watch()
        pulled = store.pull(one.trial.source, one.dataset, watch)
        expect(pulled.state == "landed", f"stopped after {stop} pages, then {pulled.state}: {pulled.message}")
        yield store, watch


def _stops(trial: Trial, count: int) -> list[int]:
    every = list(range(count))
    most = CHECKPOINTS if "faults" in trial.abilities else CHECKPOINTS_FOR_REAL
    if trial.full or count <= most:
        return every
    return sorted([0, *trial.choose("checkpoints").sample(every[1:-1], most - 2), count - 1])


@check_landed("任一断点续传结果相同", "resume from every checkpoint")
def resume_from_every_checkpoint(one: LandedDataset) -> str:
    """A night that dies half-way must end as if it had not."""
    count = len(one.pages)
    tried = _stops(one.trial, count)
    for stop in tried:
        with _stopped(one, stop) as (store, _):
            _expect_equal(one.dataset, store, one.held, f"stopped after {stop} of {count} pages")
    return f"stopped after each of {len(tried)} of {count} pages"


@check_landed("续传至多重取一页", "at most the page in flight is fetched again")
def one_page_in_flight(one: LandedDataset) -> str:
    """Do not waste an agency's quota: no kept page is fetched again, only one for each connection."""
    connection = one.trial.source.connection
    if isinstance(connection, DatabaseConnection):
        raise NotApplicableError("a table is read in one transaction: two halves of two moments would be no register")
    count, healthy = len(one.pages), _data_requests(one.trial.healthy.requests, one.dataset)
    spare = connection.limits.connections if isinstance(connection, RestConnection) else 1
    if isinstance(one.dataset.paginator, (TimeWindow, PageNumber, Offset)):
        # The page in flight may be one whose window had to be halved first, or the last, with the look behind it.
        spare += max(healthy - count, 0)
    for stop in _stops(one.trial, count):
        with _stopped(one, stop) as (_, watch):
            again = len(watch.labels) - (count - stop)
        expect(again <= 0, f"stopped after {stop} of {count} pages, {len(watch.labels)} were given afterwards")
        if healthy:
            sent = _data_requests(one.trial.agency.requests(), one.dataset)
            expect(sent <= healthy + spare, f"stopped after {stop} pages: {sent} requests, {healthy} without a stop")
    return f"{count} pages" + (f", {healthy} requests" if healthy else "")


def _data_requests(requests: Sequence[Mapping[str, object]], dataset: Dataset) -> int:
    ours = [one for one in requests if one["source"] == dataset.source and one["dataset"] == dataset.name]
    return sum(1 for one in ours if one["kind"] == "data")


@check_landed("断点大小有界", "cursors bounded")
def cursor_bounded(one: LandedDataset) -> str:
    """State that grows with the listing breaks one day."""
    cursors = [page["next_cursor"] for page in one.pages]
    largest = max((len(json.dumps(cursor).encode()) for cursor in cursors), default=0)
    expect(largest < CURSOR_BYTES, f"a cursor of {largest} bytes")
    expect(cursors and cursors[-1] is None, "the last page of a finished pull has a cursor")
    return f"{largest} bytes at most"


@check_each("失败不影响已有数据", "a failed night leaves the last good data")
def last_good_stays(trial: Trial, dataset: Dataset) -> str:
    """An agency that is down must not empty the ranking, and the night after goes on."""
    with trial.store() as store:
        trial.pull_with_parents(store, dataset)
        before = store.held(dataset)
        pulled = store.pull(trial.source, dataset, Watch(down_after=0))
        expect(pulled.state == "failed", f"with the agency down it is {pulled.state}")
        expect(pulled.whose == "transient", f"with the agency down the fault is called {pulled.whose}")
        _expect_equal(dataset, store, before, "a failed pull changed what is held")
        again = store.pull(trial.source, dataset)
        expect(again.state == "unchanged", f"once the agency is up again it is {again.state}: {again.message}")
        _expect_equal(dataset, store, before, "the pull after a failed one changed what is held")
    return f"{len(before)} rows stand"


@contextmanager
def _fed(trial: Trial, dataset: Dataset, why_not: str) -> Iterator[tuple[TrialStore, list[Row]]]:
    """A store after a pull of a change feed, and what it holds."""
    if dataset.since is None:
        raise NotApplicableError(why_not)
    with trial.store() as store:
        trial.pull_with_parents(store, dataset)
        yield store, store.held(dataset)


@check_each("超前状态不取数不丢数", "future state gives nothing")
def future_state_gives_nothing(trial: Trial, dataset: Dataset) -> str:
    """A stored high-water mark in the future must not hide records."""
    why_not = "the whole is read each time: there is no state that could lie ahead"
    with _fed(trial, dataset, why_not) as (store, before):
        ours = (batches.c.source == dataset.source, batches.c.dataset == dataset.name)
        with store.ledger.begin() as connection:
            connection.execute(update(batches).where(*ours).values(high_water=FAR_AHEAD))
        pulled = store.pull(trial.source, dataset)
        expect(pulled.state == "unchanged", f"with a future state it is {pulled.state}: {pulled.message}")
        _expect_equal(dataset, store, before, "a future state changes what is held")
    return f"{pulled.rows_received} received, {len(before)} rows stand"


@check_each("回看不重复", "lookback is idempotent")
def lookback_idempotent(trial: Trial, dataset: Dataset) -> str:
    """What changed in the last second comes again, and counts once."""
    with _fed(trial, dataset, "not a change feed: no record is requested again") as (store, before):
        again = store.pull(trial.source, dataset)
        expect(again.state == "unchanged", f"the overlap is {again.state}: {again.message}")
        is_overlap = again.rows_received >= 1
        expect(is_overlap, "the newest record is not requested again: another one of the same second could be lost")
        keys = [key_of(dataset, row) for row in store.held(dataset)]
        expect(len(keys) == len(set(keys)) == len(before), f"{len(before)} rows, then {len(keys)}")
    return f"{again.rows_received} of {len(before)} requested again"


def _addition_unknown(trial: Trial, dataset: Dataset) -> str | None:
    if _is_parent(trial, dataset):
        return "a new record here would need a listing of its own, and the stand-in has none for it"
    if isinstance(dataset.request, RestRequest) and dataset.request.partition is not None:
        return "each record belongs to a value of its partition: the stand-in adds none by itself"
    return None


def _deletion_unknown(trial: Trial, dataset: Dataset) -> str | None:
    if _is_parent(trial, dataset):
        return "with a record of this one its own listing goes, and the stand-in's truth does not follow so far"
    if dataset.load == "upsert" and dataset.deletes is None:
        return "the source file declares no deletions for this feed: what it once gave stays"
    return None


def _is_parent(trial: Trial, dataset: Dataset) -> bool:
    return any(other.parent == dataset.name for other in trial.source.datasets)


def _change(
    how: str, name: str, zh: str, en: str, why: str, unknown: Callable[[Trial, Dataset], str | None]
) -> SourceCheck:
    """A check that lets the agency change a record between two pulls: afterwards we hold what it holds."""

    def look(trial: Trial, dataset: Dataset) -> str:
        if reason := unknown(trial, dataset):
            raise NotApplicableError(reason)
        with trial.store() as store:
            trial.pull_with_parents(store, dataset)
            truth = _changed(trial, dataset, how)
            pulled = trial.pull_with_parents(store, dataset)
            expect(pulled.state == "landed", f"after {how} the pull is {pulled.state}: {pulled.message}")
            _expect_equal(dataset, store, truth, f"after {how}")
        return f"{pulled.rows_landed} landed"

    look.__name__, look.__doc__ = name, why
    return check_each(zh, en, "change", "truth")(look)


def _changed(trial: Trial, dataset: Dataset, how: str) -> list[Row]:
    """Let the agency change records until it shows in those that stand: the first may be one that is deleted."""
    before = trial.truth(dataset)
    if isinstance(dataset.request, FileRequest):
        # File times have whole seconds: a file changed twice within one, to the same size, looks unchanged.
        time.sleep(FILE_TIME_SECONDS)
    for _ in range(CHANGES_TRIED):
        try:
            trial.agency.change(trial.source.name, dataset.name, how)
        except NotImplementedError as error:
            raise NotApplicableError(f"the stand-in cannot do this here: {error}") from None
        truth = trial.truth(dataset)
        if differences(dataset, before, truth):
            return truth
    raise NotApplicableError(f"the agency's records are the same after {how}: nothing in them can change")


CHANGES = tuple(
    _change(*row)
    for row in (
        ("add", "addition_arrives", "新增记录到达", "an addition arrives",
         "The second night is not the first.", _addition_unknown),
        ("correct", "correction_arrives", "迟到更正到达", "a late correction arrives",
         "What was filed wrong is filed again.", lambda _trial, _dataset: None),
        ("delete", "deletion_arrives", "删除到达", "a deletion arrives",
         "What was withdrawn must not earn points.", _deletion_unknown),
    )
)  # fmt: skip
