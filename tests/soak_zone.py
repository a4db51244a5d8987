"""What happens in a made-up zone in a year: enterprises, the agencies that report them, and how those fail.

Everything is drawn by one seed. The agencies are a folder (the register of enterprises, grants) and a court by REST.
"""

import csv
import io
import json
import os
import random
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from connectors.spec import Source
from sandbox.codes import make_code
from tests.declared import column, dataset_of, source_of

COUNT: Final = 130
"""The enterprises of the first day: the gate compares editions from a hundred ranked ones on."""
HAPPENS: Final = (
    *("founded", "renamed", "founded", "penalised", "moved"),
    *("founded", "repaired", "merged", "corrected"),
)
"""What happens to some enterprise, one a night in this order: twelve nights see each."""
FAULTS: Final = ("refused", "empty", "late", "half")
FAULTY: Final = 0.08
"""The chance, each night, that an agency has one of these, the bank's folder is gone, or the channel answers 503."""


@dataclass
class Firm:
    """One enterprise as the register has it."""

    uscc: str
    enterprise_name: str
    founded_on: date
    staff: int
    status: str = "active"
    merged_into: str | None = None
    former_name: str | None = None
    renamed_on: date | None = None


@dataclass
class Population:
    """The enterprises, and what the court decided; each night something happens."""

    dice: random.Random
    firms: list[Firm] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    happened: dict[str, int] = field(default_factory=dict)

    def begin(self, day: date) -> None:
        """Found the enterprises of the first day."""
        for number in range(COUNT):
            self._found(date(day.year - 2 - number % 12, 1 + number % 12, 1))

    def _found(self, day: date) -> None:
        code = make_code(self.dice, ends_with_zero=False)
        self.firms.append(Firm(code, f"第{len(self.firms) + 1}科技有限公司", day, self.dice.randint(1, 400)))

    def happen(self, what: str, day: date) -> None:
        """Let it happen to an active enterprise."""
        firm = self.dice.choice([one for one in self.firms if one.status == "active"])
        other = self.dice.choice([one for one in self.firms if one.status == "active" and one is not firm])
        self.happened[what] = self.happened.get(what, 0) + 1
        if what == "founded":
            self._found(day)
        elif what == "renamed":
            firm.former_name, firm.renamed_on = firm.enterprise_name, day
            firm.enterprise_name = f"新{firm.enterprise_name}"
        elif what == "moved":
            firm.status = "moved_out"
        elif what == "merged":
            firm.status, firm.merged_into = "merged", other.uscc
        elif what == "corrected":
            firm.staff += self.dice.choice((-1, 1, 7))
        elif what == "penalised":
            number = f"P{len(self.events) + 1:05d}"
            self.events.append({"eventNo": number, "uscc": firm.uscc, "decidedOn": str(day), "removedOn": None})
        elif what == "repaired":
            for event in self.events:
                event["removedOn"] = event["removedOn"] or str(day)
        else:
            raise ValueError(what)


@dataclass
class Agencies:
    """What the agencies leave for a night, whole or with a fault that the seed draws."""

    state: Path
    dice: random.Random
    failed: dict[str, int] = field(default_factory=dict)

    def leave(self, population: Population, day: date, moment: datetime) -> list[str]:
        """Leave everything for a night; answers the faults of it."""
        for spoilt in self.state.glob("files/*_refused.csv"):
            spoilt.unlink()
        faults = {name: self._fault() for name in ("firms", "grants", "court", "bank", "channel")}
        firms = [asdict(one) for one in population.firms]
        grants = [
            {"grant_no": f"G{day:%Y%m%d}{number}", "uscc": self.dice.choice(firms)["uscc"], "amount_cny": number * 10.5}
            for number in range(self.dice.randint(3, 8))
        ]
        self._file("firms", firms, faults["firms"], day, moment)
        self._file("grants", grants, faults["grants"], day, moment)
        served = self.state / "served"
        served.mkdir(exist_ok=True)
        events = _some(population.events, faults["court"])
        (served / "court").write_text(json.dumps({"items": events}), encoding="utf-8")
        statuses = {"court": {"refused": 401, "late": 503}.get(faults["court"], 200)}
        statuses["channel"] = 503 if faults["channel"] else 202
        (served / "statuses").write_text(json.dumps(statuses), encoding="utf-8")
        self._bank(is_away=bool(faults["bank"]))
        shown = [f"{name} {fault}" for name, fault in faults.items() if fault]
        for one in shown:
            self.failed[one] = self.failed.get(one, 0) + 1
        return shown

    def _fault(self) -> str:
        return self.dice.choice(FAULTS) if self.dice.random() < FAULTY else ""

    def _file(self, name: str, lines: list[dict[str, Any]], fault: str, day: date, moment: datetime) -> None:
        folder = self.state / "files"
        folder.mkdir(exist_ok=True)
        if fault == "late":
            return
        text = io.StringIO()
        writer = csv.DictWriter(text, list(lines[0]))
        writer.writeheader()
        writer.writerows(_some(lines, fault))
        content = b"\xff\xfe\x00 no csv" if fault == "refused" else text.getvalue().encode()
        path = folder / f"{name}_{day:%Y%m%d}{'_refused' if fault == 'refused' else ''}.csv"
        path.write_bytes(content)
        os.utime(path, (moment.timestamp(), moment.timestamp()))

    def _bank(self, *, is_away: bool) -> None:
        inbox, away = (self.state / "sftp" / "bank_a" / name for name in ("inbox", "inbox.away"))
        for there, gone in ((inbox, away), (away, inbox)):
            if there.is_dir() and (there is inbox) == is_away:
                there.rename(gone)


def _some(lines: list[dict[str, Any]], fault: str) -> list[dict[str, Any]]:
    return lines[: {"empty": 0, "half": len(lines) // 2}.get(fault, len(lines))]


def sources() -> list[Source]:
    """The agencies: the register, whole each night; grants, what is new; the court, whole each night."""
    file = {"source": "small", "critical": True, "decoder": {"kind": "csv"}, "volume": {"floor": 1, "ceiling": 5000}}
    firms = dataset_of(
        **file,
        name="firms",
        key=("uscc",),
        request={"folder": "files", "pattern": "firms_*.csv", "takes": "newest"},
        columns=(
            column("uscc", required=True, check="uscc"),
            column("enterprise_name", required=True),
            column("founded_on", "date", required=True),
            column("staff", "integer", min=0),
            *map(column, ("status", "merged_into", "former_name")),
            column("renamed_on", "date"),
        ),
    )
    grants = dataset_of(
        **file,
        name="grants",
        load="upsert",
        key=("grant_no",),
        request={"folder": "files", "pattern": "grants_*.csv"},
        columns=(column("grant_no", required=True), column("uscc"), column("amount_cny", "decimal(20, 2)", min=0)),
    )
    court = dataset_of(
        source="court",
        name="penalties",
        key=("event_no",),
        request={"path": "/court"},
        paginator={"kind": "single"},
        columns=(
            column("event_no", required=True, source_field="eventNo"),
            column("uscc"),
            column("decided_on", "date", source_field="decidedOn"),
            column("removed_on", "date", source_field="removedOn"),
        ),
    )
    address = {"base_url": {"env": "SMALL_URL"}, "auth": "none"}
    return [
        source_of(firms, grants, driver="folder", connection={"path": {"env": "SMALL_FOLDER"}}),
        source_of(court, connection=address),
    ]


_READ = """
create temp table firms as select * from read_parquet('{inputs}/small/firms/*.parquet');
create temp table penalties as select * from read_parquet('{inputs}/court/penalties/*.parquet');
"""
_ENTERPRISES = """
select
    uscc, enterprise_name, founded_on, 'active' as status, '39' as industry_code, 'growth' as stage,
    status = 'active' as is_eligible, nullif(status, 'active') as ineligible_reason
from firms;
"""
_NAMES = """
select uscc, coalesce(merged_into, uscc) as borne_by, enterprise_name, coalesce(renamed_on, founded_on) as valid_from,
    null::date as valid_to
from firms;
"""
_CONSENTS = """from (
    select 'bank_a', 'S-' || uscc, founded_on, if(staff % 5 = 0, date '2025-12-31', null), null::date, 'score', uscc
    from firms where staff % 3 = 0
) c(recipient, consent_id, consent_valid_from, consent_valid_to, consent_withdrawn_on, data_classes, uscc)"""


def tables_of(inputs: Path, tables: str, day: date, ruleset_id: str) -> str:
    """The small edition's tables made of what landed, in place of its own enterprises."""

    def between(start: str, end: str, sql: str) -> Callable[[str], str]:
        def put(text: str) -> str:
            head, found, rest = text.partition(start)
            _, closed, tail = rest.partition(end)
            if not (found and closed):
                raise ValueError(f"the small edition has no {start!r} … {end!r} any more")
            return f"{head}{start}{sql}{tail}"

        return put

    changes: Iterable[Callable[[str], str]] = (
        between("create table enterprises as", "t(i);", _ENTERPRISES),
        between("from (select uscc, ", " as n from enterprises where is_eligible) e", _N),
        between("create table identity_names as", "as valid_to;", _NAMES),
        between("    '20M-200M' as revenue_band\n", "data_classes, uscc)", _CONSENTS),
        between("'B' as credit_grade, ", " as active_credit_events", _PENALTIES),
    )
    for change in changes:
        tables = change(tables)
    for old, new in (("national-2024", ruleset_id), ("2025-06-30", str(day)), ("2024 as", f"{day.year - 1} as")):
        tables = tables.replace(old, new)
    return _READ.format(inputs=inputs) + tables


_N = "1 + staff % 9 as n from enterprises join (select uscc, staff from firms) using (uscc) where is_eligible) e"
_PENALTIES = """
    (select count(*) from penalties p where p.uscc = s.uscc and p.removed_on is null) as active_credit_events"""
