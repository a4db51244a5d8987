"""Any listing, any faults, a process killed after any page: all records once, or a loud stop."""

import datetime as dt
import json
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connectors.errors import ConnectorError, PagingFaultError
from tests.unit.listing_agency import DECLARED, SIZE, ListingAgency, listing_of, paginator_of, records

DAYS = (dt.date(2025, 1, 1), dt.date(2025, 1, 20))
FAULTS = ("none", "repeated_page", "moved_total", "repeated_token", "lost_record", "short_page")


class Pulling(RuleBasedStateMachine):
    """One dataset pulled page by page, as the recipe does: pages kept with cursors, faults void what came after."""

    @initialize(
        kind=st.sampled_from(sorted(DECLARED)),
        count=st.integers(0, 40),
        days=st.integers(1, 20),
        ahead=st.integers(1, 4),
        kind_of_fault=st.sampled_from(FAULTS),
        at=st.integers(2, 9),
        stays=st.booleans(),
    )
    def begin(self, kind, count, days, ahead, kind_of_fault, at, stays):
        self.agency = ListingAgency(paginator_of(kind), records(count, days), ahead=ahead, lie=self.lie)
        self.fault, self.at, self.stays = kind_of_fault, at, stays
        self.kept, self.faults, self.error = [], 0, None
        self.pages = None

    def lie(self, number, told, last):
        if number != self.at and not (self.stays and number > self.at):
            return told
        items = told["items"]
        lies = {
            "repeated_page": {"items": last or items},
            "moved_total": {"total": told["total"] + 1},
            "repeated_token": {"next": None if told["next"] is None else 0},
            "lost_record": {"items": items[:-1] if self.declares_total else items},
            "short_page": {"items": items[:1] if self.agency.paginator.kind == "offset" else items},
        }
        return {**told, **lies.get(self.fault, {})}

    @property
    def declares_total(self):
        inner = getattr(self.agency.paginator, "inner", self.agency.paginator)
        return getattr(inner, "total", None) is not None

    @property
    def is_done(self):
        return self.error is not None or bool(self.kept and self.kept[-1].next_cursor is None)

    @precondition(lambda self: not self.is_done)
    @rule(pages=st.integers(1, 5))
    def pull(self, pages):
        for _ in range(pages):
            if not self.is_done:
                self.pull_one()

    def pull_one(self):
        if self.pages is None:
            resume = self.kept[-1].next_cursor if self.kept else None
            # What is kept has been through a database as JSON.
            resume = json.loads(json.dumps(resume))
            self.pages = self.agency.paginator.pages(listing_of(self.agency), resume, DAYS)
        try:
            self.kept.append(next(self.pages))
        except PagingFaultError as error:
            self.pages, self.faults = None, self.faults + 1
            self.void_after(error.restart_at)
            if self.faults == 2:
                self.error = error
        except ConnectorError as error:
            self.error = error

    def void_after(self, cursor):
        places = [place for place, page in enumerate(self.kept, start=1) if page.next_cursor == cursor]
        assert cursor is None or places, "a pull can only begin again at a cursor that it gave out"
        self.kept = self.kept[: places[-1]] if cursor is not None else []

    @rule()
    def kill(self):
        self.pages = None

    @invariant()
    def a_cursor_is_small(self):
        assert all(len(json.dumps(page.next_cursor)) < 2000 for page in self.kept)

    @invariant()
    def all_records_once_or_a_loud_stop(self):
        if self.is_done and self.error is None:
            got = Counter(record["id"] for page in self.kept for record in page.answer["items"])
            assert got == Counter(record["id"] for record in self.agency.listing)

    def teardown(self):
        if hasattr(self, "kept"):
            for _ in range(300):
                if self.is_done:
                    break
                self.pull_one()
            assert self.is_done
            self.all_records_once_or_a_loud_stop()


TestPulling = Pulling.TestCase
TestPulling.settings = settings(max_examples=200, stateful_step_count=14, deadline=None, derandomize=True)
assert SIZE > 1, "a page of one record cannot be told from the same record given twice"
