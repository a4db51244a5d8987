"""A pull whose pages do not add up: what it accepts, what it reads again, and what it refuses."""

import errno
import json

import pytest
from sqlalchemy.exc import OperationalError

from connectors.check import check_source
from connectors.drivers.pages import Lines, Page
from connectors.errors import LineDeadError, PagingFaultError
from connectors.landing import landed_path
from connectors.pull import pull_dataset
from connectors.refusals import quarantine_path, read_lines
from connectors.zone import Zone
from ledger.batches import pages_of, promoted_batches
from tests.declared import source_of
from tests.unit.conftest import DAY
from tests.unit.test_landing import landed
from tests.unit.test_reading import OTHER, record


class Agency:
    """A listing by page number, as a function of the records and of the page size asked for."""

    def __init__(self, monkeypatch, settings, ledger, make_dataset):
        self.dataset = make_dataset()
        self.settings, self.ledger = settings, ledger
        self.reads = 0
        monkeypatch.setenv("TAX_BASE_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("TAX_TOKEN", "a token of a test")
        monkeypatch.setattr("connectors.pull.driver_of", lambda _: self._pull)

    def pages(self, size):
        raise NotImplementedError

    def _pull(self, ask):
        self.reads += 1
        pages = self.pages(ask.dataset.paginator.size)
        for number, items in enumerate(pages, start=1):
            following = {"page": number + 1, "size": ask.dataset.paginator.size} if number < len(pages) else None
            yield Page(f"page {number}", json.dumps({"items": items}).encode(), following)

    def pull(self, **more):
        return pull_dataset(source_of(self.dataset), self.dataset, Zone(), self.settings, self.ledger, DAY, **more)


@pytest.fixture
def agency(monkeypatch, settings, ledger, make_dataset):
    def make(pages):
        found = Agency(monkeypatch, settings, ledger, make_dataset)
        found.pages = lambda size: pages(found, size)
        return found

    return make


def cut(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


@pytest.mark.parametrize(
    ("fault", "whose", "said"),
    [
        (OperationalError("commit", None, ConnectionError("server closed")), "transient", "the ledger: server closed."),
        (OSError(errno.ENOSPC, "No space left on device", "x.zst"), "config", "No space left on device: x.zst."),
        (OSError(errno.EMFILE, "Too many open files"), "config", "Too many open files."),
    ],
)
def test_a_fault_of_our_own_machine_is_told_as_that_and_the_batch_goes_on(agency, monkeypatch, fault, whose, said):
    found = agency(lambda _, size: cut(LISTING, size))

    def lose(*_):
        raise fault

    with monkeypatch.context() as lost:
        lost.setattr("connectors.pull.keep_raw", lose)
        told = found.pull()
    assert (told.state, told.whose) == ("failed", whose)
    assert f"{said} Whose: {whose}. Next: look at " in told.message
    assert found.pull().state == "landed"


LISTING = [record(year=year) for year in range(2000, 2007)]


def test_an_agencys_own_copy_on_another_page_is_dropped_once_another_cut_shows_it_hides_nothing(agency, settings):
    listing = [*LISTING[:4], LISTING[1], *LISTING[4:]]
    found = agency(lambda _, size: cut(listing, size))
    pulled = found.pull()
    assert (pulled.state, pulled.rows_landed, found.reads) == ("landed", 7, 3)
    assert pulled.counts == {"duplicate_delivery": 1}
    assert landed_path(settings.data_dir, "tax", "statements", pulled.batch).exists()


def test_a_record_that_came_twice_by_a_passing_fault_is_read_again_and_nothing_is_missing(agency):
    shifted = [LISTING[:2], LISTING[1:3], LISTING[4:6], LISTING[6:]]
    found = agency(lambda agency, size: shifted if agency.reads == 1 else cut(LISTING, size))
    pulled = found.pull()
    assert (pulled.state, pulled.rows_landed, found.reads) == ("landed", 7, 2)


def test_pages_that_always_overlap_hide_records_and_are_refused(agency, settings, ledger):
    found = agency(lambda _, size: [*([*page, page[-1]] for page in cut(LISTING, size + 1)[1:]), [LISTING[3]]])
    pulled = found.pull()
    assert (pulled.state, pulled.whose) == ("failed", "data")
    assert "records come on two pages, and others may come on none" in pulled.message
    assert promoted_batches(ledger, "tax", "statements", DAY) == []
    (line,) = read_lines(quarantine_path(settings.data_dir, "tax", "statements", "2025-06-30-001"))
    assert (line["reason"], line["action"]) == ("window_unstable", "window_quarantined")


def test_a_fault_of_paging_is_read_once_more_from_the_place_it_names(agency, settings, ledger):
    found = agency(lambda _, size: cut(LISTING, size))
    plain = found._pull
    begun = []

    def breaks_once(ask):
        begun.append(ask.resume)
        for page in plain(ask):
            if ask.resume is not None and int(page.label.split()[1]) < ask.resume["page"]:
                continue
            yield page
            if len(begun) == 1 and page.label == "page 3":
                raise PagingFaultError("moved.", "tax.statements", "run again", restart_at={"page": 3, "size": 2})

    found._pull = breaks_once
    pulled = found.pull()
    assert (pulled.state, pulled.rows_landed) == ("landed", 7)
    assert begun == [None, {"page": 3, "size": 2}]
    (batch,) = promoted_batches(ledger, "tax", "statements", DAY)
    key = type("Key", (), {"source": "tax", "dataset": "statements", "batch": batch["batch"]})
    assert [page["label"] for page in pages_of(ledger, key)] == ["page 1", "page 2", "page 3", "page 4"]
    assert [row["fiscal_year"] for row in landed(settings, key).to_pylist()] == list(range(2000, 2007))


def test_a_copy_on_another_page_is_refused_where_no_other_cut_can_show_what_it_hides(agency, make_dataset):
    listing = [*LISTING[:3], LISTING[0], *LISTING[3:]]
    found = agency(lambda _agency, _size: cut(listing, 3))
    found.dataset = make_dataset(paginator={"kind": "page_number", "page_param": "page", "until": "empty"})
    pulled = found.pull()
    assert (pulled.state, pulled.whose, found.reads) == ("failed", "data", 2)
    assert "records come on two pages" in pulled.message


def test_an_agency_that_cuts_its_pages_as_it_likes_shows_nothing_by_another_size(agency):
    listing = [*LISTING[:3], LISTING[0], *LISTING[3:6]]
    pulled = agency(lambda _agency, _size: cut(listing, 3)).pull()
    assert (pulled.state, pulled.whose) == ("failed", "data")
    assert "records come on two pages" in pulled.message


def test_records_of_another_enterprise_do_not_disturb(agency):
    mixed = [one for year in range(2000, 2003) for one in (record(year=year), record(uscc=OTHER, year=year))]
    pulled = agency(lambda _, size: cut(mixed, size)).pull()
    assert (pulled.state, pulled.rows_landed) == ("landed", 6)


@pytest.mark.parametrize(
    ("years", "told"),
    [(("x", "y"), "not one of 2 records passed (fiscal_year:type_mismatch"), (("x", 2001), None), ((), None)],
)
def test_a_small_delivery_of_which_nothing_passed_is_told(agency, years, told):
    pulled = agency(lambda _, __: [[record(year=year) for year in years]]).pull()
    assert pulled.state == "landed"
    assert (pulled.message or "").startswith(told or "")
    assert bool(pulled.message) == bool(told)


def test_a_dead_line_is_waited_for_once_and_again_by_the_dataset_that_found_it(agency):
    tax, noted = agency(lambda _agency, size: cut(LISTING, size)), Lines()
    alive, tax._pull = tax._pull, lambda _ask: dead(tax)

    def dead(tax):
        tax.reads += 1
        raise LineDeadError("nobody answers.", tax.dataset.address, "run again")

    first = tax.pull(lines=noted)
    statements, tax.dataset = tax.dataset, tax.dataset.model_copy(update={"name": "refunds"})
    second = tax.pull(lines=noted)
    assert (tax.reads, first.state, second.state, second.whose) == (1, "failed", "failed", "transient")
    assert second.message.startswith("tax.refunds: not asked, since tax.statements got no answer: nobody answers.")
    tax.dataset, tax._pull = statements, alive
    assert tax.pull(lines=noted).state == "landed"
    assert noted.dead == {}


def test_a_variable_that_is_not_set_is_the_configurations(agency, monkeypatch):
    tax = agency(lambda _agency, size: cut(LISTING, size))
    monkeypatch.delenv("TAX_TOKEN")
    found = tax.pull()
    assert (found.state, found.whose, tax.reads) == ("failed", "config", 0)
    assert "TAX_TOKEN not set" in found.message


def test_a_check_waits_for_a_dead_line_once(agency, monkeypatch):
    tax, asked = agency(lambda _agency, size: cut(LISTING, size)), []

    def dead(ask):
        asked.append(ask.dataset.name)
        raise LineDeadError("nobody answers.", ask.dataset.address, "run again")

    monkeypatch.setattr("connectors.check.driver_of", lambda _: dead)
    both = source_of(tax.dataset, tax.dataset.model_copy(update={"name": "refunds"}))
    lines = check_source(both, Zone(), tax.settings)
    assert asked == [tax.dataset.name]
    assert [line["message"].partition(" Whose")[0] for line in lines] == [
        f"tax.{name}: nobody answers." for name in (tax.dataset.name, "refunds")
    ]
