"""An agency in memory for the tests of the acceptance kit: pages of JSON, with one planted defect at a time."""

import json
import os
from collections.abc import Iterator
from copy import deepcopy

from connectors.drivers.pages import Ask, Page
from connectors.errors import AgencyError, TransientError
from connectors.spec import Source

KEY = "good-key-4c1d9e7f"


def make_source(**changes) -> Source:
    column = {"data_type": "varchar"}
    dataset = {
        "source": "land",
        "name": "leases",
        "description": "one row per lease",
        "critical": False,
        "coverage": "partial",
        "load": "snapshot",
        "key": ("lease_no",),
        "request": {"path": "/leases"},
        "paginator": {"kind": "cursor_body", "cursor_param": "c", "next": "next", "size_param": "size", "size": 2},
        "decoder": {"kind": "json", "records": "items"},
        "volume": {"floor": 1, "ceiling": 100},
        "freshness": {"unwatched": "made for a test"},
        "continuity": {"unwatched": "made for a test"},
        "columns": (
            {"name": "lease_no", "source_field": "leaseNo", "required": True, **column},
            {"name": "holder", "source_field": "holder", **column},
            {"name": "area_m2", "source_field": "area", "data_type": "decimal(12, 2)"},
        ),
        **changes,
    }
    return Source.model_validate(
        {
            "name": "land",
            "description": "land bureau",
            "agency": {"zh": "自然资源局", "en": "Land bureau"},
            "driver": "rest",
            "connection": {"base_url": {"env": "LAND_URL"}, "auth": {"kind": "bearer", "token": {"env": "LAND_KEY"}}},
            "datasets": (dataset,),
            "sha256": "0" * 64,
        }
    )


class MemoryAgency:
    """Seven leases on pages of two. `defect` names what the driver does wrong."""

    def __init__(self, defect: str | None = None) -> None:
        self.env = {"LAND_URL": "http://127.0.0.1:4", "LAND_KEY": KEY}
        self.defect = defect
        self.records = [{"leaseNo": f"L{n}", "holder": f"firm {n}", "area": f"{n}.50"} for n in range(1, 8)]
        self.journal: list[dict] = []
        self.faults: list[dict] = []
        self.reads = 0

    def truth(self, _source: str, _dataset: str) -> list[dict]:
        from decimal import Decimal

        return [
            {"lease_no": one["leaseNo"], "holder": one["holder"], "area_m2": Decimal(one["area"])}
            for one in self.records
        ]

    def set_faults(self, faults) -> None:
        self.faults = list(faults)

    def requests(self) -> list[dict]:
        return list(self.journal)

    def clear_requests(self) -> None:
        self.journal.clear()

    def change(self, _source: str, _dataset: str, how: str) -> None:
        if how == "add":
            self.records.append({"leaseNo": "L9", "holder": "firm 9", "area": "9.50"})
        elif how == "correct":
            self.records[0]["holder"] = "firm 1, renamed"
        else:
            self.records.pop()

    def pull(self, ask: Ask) -> Iterator[Page]:
        """The driver of this agency, right but for its defect."""
        self._let_in()
        place = (ask.resume or {"place": 0})["place"]
        if ask.resume and self.defect == "resumes one record late":
            place += 1
        if ask.resume and self.defect == "resumes from the start":
            place = 0
        self.reads += 1
        records = self._served()
        while True:
            self._note(place)
            page = records[place : place + 2]
            following = place + 2
            last = following >= len(records)
            if self.defect == "drops the last page" and place:
                last = True
            yield Page(self._label(place), self._body(page), None if last else self._cursor(following))
            if last:
                return
            place = following

    def _let_in(self) -> None:
        if os.environ["LAND_URL"] != self.env["LAND_URL"]:
            raise TransientError("nobody answers.", "land.leases", "run again")
        key = os.environ["LAND_KEY"]
        if key != KEY and self.defect != "lets anybody in":
            told = f" with {key}" if self.defect == "tells the key" else ""
            raise AgencyError(f"answers 401{told}.", "land.leases", "check LAND_KEY")

    def _served(self) -> list[dict]:
        records = deepcopy(self.records)
        if self.defect == "answers by chance":
            records[0]["holder"] = f"reading {self.reads}"
        for fault in self.faults:
            if fault["kind"] == "lost_record" and self.defect == "loses records under a fault":
                records.pop()
            if fault["kind"] == "bad_area":
                records[2]["area"] = "a lot"
            if fault["kind"] == "shifted" and self.defect == "shifts values under a fault":
                records[3]["area"] = "77.50"
        return records

    def _note(self, place: int) -> None:
        kinds = [fault["kind"] for fault in self.faults]
        entry = {"source": "land", "dataset": "leases", "kind": "data", "method": "GET", "path": "/leases"}
        self.journal.append({**entry, "query": {}, "position": place, "status": 200, "at": "", "faults": kinds})
        if self.defect == "asks each page five times":
            self.journal += [self.journal[-1]] * 4

    def _label(self, place: int) -> str:
        return "a page" if self.defect == "calls each page the same" else f"from {place}"

    def _cursor(self, following: int) -> dict:
        padding = {"seen": ["x" * 40] * 60} if self.defect == "remembers all it saw" else {}
        return {"place": following, **padding}

    def _body(self, page: list[dict]) -> bytes:
        told = {"items": page}
        if self.defect == "is told the key":
            told["asked_with"] = KEY
        return json.dumps(told, ensure_ascii=False).encode()


class Kind:
    """A fault that can strike anything."""

    does, expected, later, again = "something", "either", False, False

    def applies(self, _source, _dataset) -> bool:
        return True


KINDS = {"lost_record": Kind(), "bad_area": Kind(), "shifted": Kind()}
