"""Checks of what is remembered between pulls: resuming, repeating, lower bounds, and late changes."""

import json
import time
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import update

from connectors.drivers.paging import Offset, PageNumber, TimeWindow
from connectors.pull import Pulled
from connectors.spec import DatabaseConnection, Dataset, FileRequest, RestConnection, RestRequest
from ledger.store import Row
from ledger.tables import batches
from sandbox.acceptance.house import House, StoppedError, Watch, key_of
from sandbox.acceptance.judge import Difference, differences
from sandbox.acceptance.trial import NotApplicableError, Trial, by_dataset, expect, healthy_batch

CURSOR_BYTES = 2048
"""The most that a checkpoint may hold, whatever the length of the listing."""

CHECKPOINTS = 12
"""So many checkpoints are tried of a longer listing where not all are asked for."""

CHECKPOINTS_FOR_REAL = 3
"""Each costs one more pull of everything, and a real agency has more to do than to be tested."""

CHANGES_TRIED = 4
FILE_TIME_SECONDS = 1.1

FAR_AHEAD = "2190-01-01T00:00:00"


@by_dataset
def sequential_reads_equal(trial: Trial, dataset: Dataset) -> str:
    """Two pulls of an agency that stands still say the same."""
    _, batch = healthy_batch(trial, dataset)
    with trial.house() as other:
        _pull_with_parents(trial, other, dataset)
        expect(other.landed(dataset), "the second read landed nothing")
        again = other.landed(dataset)[-1]
    expect(again["content_sha256"] == batch["content_sha256"], "two reads of the same agency say different things")
    return f"{batch['rows_landed']} rows, twice"


@by_dataset
def second_pull_unchanged(trial: Trial, dataset: Dataset) -> str:
    """A second pull in the same house lands nothing and says so."""
    house = trial.healthy.required()
    before = house.held(dataset)
    pulled = house.pull(trial.source, dataset)
    expect(pulled.state == "unchanged", f"the second pull is {pulled.state}: {pulled.message}")
    expect(not differences(dataset, house.held(dataset), before), "an unchanged pull changed what is held")
    return f"{pulled.rows_received} received, nothing new"


@by_dataset
def resume_from_every_checkpoint(trial: Trial, dataset: Dataset) -> str:
    """A pull that dies with k pages kept is taken up again, for each k, and gives the same set."""
    house, batch = healthy_batch(trial, dataset)
    count, truth = len(house.pages(dataset, batch["batch"])), house.held(dataset)
    tried = _stops(trial, count)
    for stop in tried:
        with trial.house() as other:
            _pull_parents(trial, other, dataset)
            _stop_and_resume(trial, other, dataset, stop)
            found = differences(dataset, other.held(dataset), truth)
            expect(not found, f"stopped after {stop} of {count} pages, {len(found)} differences: {_first(found)}")
    return f"stopped after each of {len(tried)} of {count} pages"


def _stops(trial: Trial, count: int) -> list[int]:
    every = list(range(count))
    most = CHECKPOINTS if "faults" in trial.abilities else CHECKPOINTS_FOR_REAL
    if trial.full or count <= most:
        return every
    return sorted([0, *trial.choose("checkpoints").sample(every[1:-1], most - 2), count - 1])


def _first(found: Sequence[Difference]) -> str:
    return "; ".join(str(one) for one in found[:2])


def _stop_and_resume(trial: Trial, house: House, dataset: Dataset, stop: int) -> Watch:
    """Die with so many pages kept, then pull again; answers what the second pull fetched."""
    try:
        house.pull(trial.source, dataset, Watch(stop_after=stop))
    except StoppedError:
        expect(not house.promoted(dataset), f"stopped after {stop} pages, and a batch was promoted")
    watch = Watch()
    pulled = house.pull(trial.source, dataset, watch)
    expect(pulled.state == "landed", f"stopped after {stop} pages, then {pulled.state}: {pulled.message}")
    return watch


@by_dataset
def one_page_in_flight(trial: Trial, dataset: Dataset) -> str:
    """After a stop no page that was kept is fetched again: only what was in flight, one page for each connection."""
    connection = trial.source.connection
    if isinstance(connection, DatabaseConnection):
        raise NotApplicableError("a table is read in one transaction: two halves of two moments would be no register")
    house, batch = healthy_batch(trial, dataset)
    count, healthy = len(house.pages(dataset, batch["batch"])), _data_requests(trial.healthy.requests, dataset)
    spare = connection.limits.connections if isinstance(connection, RestConnection) else 1
    if isinstance(dataset.paginator, (TimeWindow, PageNumber, Offset)):
        # The page in flight may be one whose window had to be halved first, or the last, with the look behind it.
        spare += max(healthy - count, 0)
    for stop in _stops(trial, count):
        with trial.house() as other:
            _pull_parents(trial, other, dataset)
            _clear_journal(trial)
            watch = _stop_and_resume(trial, other, dataset, stop)
        again = len(watch.labels) - (count - stop)
        expect(again <= 0, f"stopped after {stop} of {count} pages, {len(watch.labels)} were given afterwards")
        if healthy:
            sent = _data_requests(trial.agency.requests(), dataset)
            expect(sent <= healthy + spare, f"stopped after {stop} pages: {sent} requests, {healthy} without a stop")
    return f"{count} pages" + (f", {healthy} requests" if healthy else "")


def _data_requests(requests: Sequence[Mapping[str, object]], dataset: Dataset) -> int:
    ours = [one for one in requests if one["source"] == dataset.source and one["dataset"] == dataset.name]
    return sum(1 for one in ours if one["kind"] == "data")


def _clear_journal(trial: Trial) -> None:
    if "journal" in trial.abilities:
        trial.agency.clear_requests()


@by_dataset
def cursor_bounded(trial: Trial, dataset: Dataset) -> str:
    """What a checkpoint holds does not grow with the listing."""
    house, batch = healthy_batch(trial, dataset)
    cursors = [page["next_cursor"] for page in house.pages(dataset, batch["batch"])]
    largest = max((len(json.dumps(one).encode()) for one in cursors), default=0)
    expect(largest < CURSOR_BYTES, f"a cursor of {largest} bytes")
    expect(cursors and cursors[-1] is None, "the last page of a finished pull has a cursor")
    return f"{largest} bytes at most"


@by_dataset
def future_state_gives_nothing(trial: Trial, dataset: Dataset) -> str:
    """With a high water that lies ahead nothing comes, and nothing that is held is lost."""
    if dataset.since is None:
        raise NotApplicableError("the whole is read each time: there is no state that could lie ahead")
    with trial.house() as house:
        _pull_with_parents(trial, house, dataset)
        before = house.held(dataset)
        ours = (batches.c.source == dataset.source, batches.c.dataset == dataset.name)
        with house.ledger.begin() as connection:
            connection.execute(update(batches).where(*ours).values(high_water=FAR_AHEAD))
        pulled = house.pull(trial.source, dataset)
        expect(pulled.state == "unchanged", f"with a future state it is {pulled.state}: {pulled.message}")
        found = differences(dataset, house.held(dataset), before)
        expect(not found, f"a future state changes what is held: {_first(found)}")
    return f"{pulled.rows_received} received, {len(before)} rows stand"


@by_dataset
def lookback_idempotent(trial: Trial, dataset: Dataset) -> str:
    """The lower bound is closed and looks back: the newest record comes again, and is not there twice."""
    if dataset.since is None:
        raise NotApplicableError("not a change feed: nothing is asked for again")
    with trial.house() as house:
        _pull_with_parents(trial, house, dataset)
        before = house.held(dataset)
        again = house.pull(trial.source, dataset)
        expect(again.state == "unchanged", f"the overlap is {again.state}: {again.message}")
        expect(
            again.rows_received >= 1, "the newest record is not asked for again: one of the same second could be lost"
        )
        keys = [key_of(dataset, row) for row in house.held(dataset)]
        expect(len(keys) == len(set(keys)) == len(before), f"{len(before)} rows, then {len(keys)}")
    return f"{again.rows_received} of {len(before)} asked for again"


def _change(how: str, explain: Callable[[Trial, Dataset], str | None]) -> Callable[[Trial], str]:
    """A check that lets the agency change a record between two pulls: afterwards we hold what it holds."""

    @by_dataset
    def look(trial: Trial, dataset: Dataset) -> str:
        if reason := explain(trial, dataset):
            raise NotApplicableError(reason)
        with trial.house() as house:
            _pull_with_parents(trial, house, dataset)
            truth = _changed(trial, dataset, how)
            pulled = _pull_with_parents(trial, house, dataset)
            expect(pulled.state == "landed", f"after {how} the pull is {pulled.state}: {pulled.message}")
            found = differences(dataset, house.held(dataset), truth)
            expect(not found, f"after {how}, {len(found)} differences: {_first(found)}")
        return f"{pulled.rows_landed} landed"

    return look


def _changed(trial: Trial, dataset: Dataset, how: str) -> list[Row]:
    """Let the agency change records until it shows in those that stand: the first may be one that is deleted."""
    before = trial.truth(dataset)
    if isinstance(dataset.request, FileRequest):
        # File times are told in whole seconds: a file changed twice within one, to the same size, looks unchanged.
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


def _addition_unknown(trial: Trial, dataset: Dataset) -> str | None:
    if _is_parent(trial, dataset):
        return "a new record here would be asked for its own listing, and the stand-in has none for it"
    if isinstance(dataset.request, RestRequest) and dataset.request.partition is not None:
        return "each record belongs to a value of its partition: the stand-in adds none by itself"
    return None


def _is_parent(trial: Trial, dataset: Dataset) -> bool:
    return any(other.parent == dataset.name for other in trial.source.datasets)


def _deletion_unknown(trial: Trial, dataset: Dataset) -> str | None:
    if _is_parent(trial, dataset):
        return "with a record of this one its own listing goes, and the stand-in's truth does not follow so far"
    if dataset.load == "upsert" and dataset.deletes is None:
        return "the source file declares no deletions for this feed: what it once gave stays"
    return None


addition_arrives = _change("add", _addition_unknown)
correction_arrives = _change("correct", lambda _trial, _dataset: None)
deletion_arrives = _change("delete", _deletion_unknown)


@by_dataset
def last_good_stays(trial: Trial, dataset: Dataset) -> str:
    """An agency that goes down half-way leaves what was held as it was, and the night after goes on."""
    with trial.house() as house:
        _pull_with_parents(trial, house, dataset)
        before = house.held(dataset)
        pulled = house.pull(trial.source, dataset, Watch(down_after=0))
        expect(pulled.state == "failed", f"with the agency down it is {pulled.state}")
        expect(pulled.whose == "transient", f"with the agency down the fault is called {pulled.whose}")
        expect(not differences(dataset, house.held(dataset), before), "a failed pull changed what is held")
        again = house.pull(trial.source, dataset)
        expect(again.state == "unchanged", f"once the agency is up again it is {again.state}: {again.message}")
        expect(
            not differences(dataset, house.held(dataset), before), "the pull after a failed one changed what is held"
        )
    return f"{len(before)} rows stand"


def _pull_parents(trial: Trial, house: House, dataset: Dataset) -> None:
    if dataset.parent is not None:
        _pull_with_parents(trial, house, trial.source.dataset(dataset.parent))


def _pull_with_parents(trial: Trial, house: House, dataset: Dataset) -> Pulled:
    _pull_parents(trial, house, dataset)
    return house.pull(trial.source, dataset)
