"""What the agencies hold and where it lies on disk: JSON lines, zips, bank files and a database's rows."""

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sandbox.model import Record
from sandbox.wire import BANK_A_FIELDS, BANK_B_FIELDS, HEADCOUNT_FIELDS
from sandbox.wire_local import PEOPLE_FIELDS

SFTP_USERS: Final = ("talent", "bank_a", "bank_b")
# A fixed time in every zip, so that the same rows make the same bytes.
_ZIP_TIME: Final = (2022, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Feeds:
    """One population, cut into what each agency would hand over.

    `rest` is by "<agency>/<dataset>", `headcounts` by month end, loans by reporting date, `science` by table, `people`
    (the talent bureau's other files) by dataset and month end. A dataset that is not supplied is absent, not empty.
    """

    as_of: date
    rest: Mapping[str, Sequence[Record]]
    headcounts: Mapping[date, Sequence[Record]]
    loans_a: Mapping[date, Sequence[Record]]
    loans_b: Mapping[date, Sequence[Record]]
    science: Mapping[str, Sequence[Record]]
    people: Mapping[str, Mapping[date, Sequence[Record]]] = field(default_factory=dict)
    truth: Mapping[str, Any] | None = field(default=None)


def write_json_lines(path: Path, records: Iterable[Record]) -> None:
    """Write records one to a line, in their order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def _table(names: Sequence[str], records: Iterable[Record], delimiter: str = ",") -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([record.get(name) for name in names] for record in records)
    return buffer.getvalue()


def headcount_zip(month: date, records: Iterable[Record]) -> bytes:
    """Pack a month's head counts as the talent bureau does: one GB18030 CSV in a zip."""
    member = zipfile.ZipInfo(f"headcount_{month:%Y%m}.csv", _ZIP_TIME)
    member.compress_type = zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, _table(HEADCOUNT_FIELDS, records).encode("gb18030"))
    return buffer.getvalue()


def people_file(dataset: str, records: Iterable[Record]) -> bytes:
    """Write one of the talent bureau's plain files: GB18030 CSV."""
    return _table(PEOPLE_FIELDS[dataset], records).encode("gb18030")


def bank_a_file(records: Sequence[Record]) -> bytes:
    """Write bank A's file: UTF-8 with BOM, and a last line with the number of records and the sum drawn, in yuan."""
    total = sum((Decimal(str(record["放款金额"])) for record in records), Decimal(0))
    return (_table(BANK_A_FIELDS, records) + f"TRAILER,{len(records)},{total}\r\n").encode("utf-8-sig")


def bank_b_file(records: Sequence[Record]) -> bytes:
    """Write bank B's file: GB18030, "|" between fields, and a last line with number and sum in 万元."""
    total = sum((Decimal(str(record["LOAN_AMT"])) for record in records), Decimal(0))
    return (_table(BANK_B_FIELDS, records, "|") + f"合计|{len(records)}|{total}\r\n").encode("gb18030")


def clear(state: Path) -> None:
    """Remove what the agencies held before; what was received (inboxes, returns, notices) stays."""
    for agency in ("tax", "patent", "credit"):
        shutil.rmtree(state / agency, ignore_errors=True)
    for user in SFTP_USERS:
        shutil.rmtree(state / "sftp" / user / "outbox", ignore_errors=True)
    (state / "truth.json").unlink(missing_ok=True)


def write(feeds: Feeds, state: Path) -> None:
    """Lay a population's files under a state folder, in place of those of another (the database is filled apart)."""
    clear(state)
    for user in SFTP_USERS:
        for folder in ("outbox", "inbox", "returns"):
            (state / "sftp" / user / folder).mkdir(parents=True, exist_ok=True)
    for dataset, records in feeds.rest.items():
        write_json_lines(state / f"{dataset}.jsonl", records)
    for month, records in feeds.headcounts.items():
        path = state / "sftp" / "talent" / "outbox" / f"headcount_{month:%Y%m}.zip"
        path.write_bytes(headcount_zip(month, records))
    for dataset, months in feeds.people.items():
        for month, records in months.items():
            path = state / "sftp" / "talent" / "outbox" / f"{dataset}_{month:%Y%m}.csv"
            path.write_bytes(people_file(dataset, records))
    for day, records in feeds.loans_a.items():
        (state / "sftp" / "bank_a" / "outbox" / f"loans_{day:%Y%m%d}.csv").write_bytes(bank_a_file(records))
    for day, records in feeds.loans_b.items():
        (state / "sftp" / "bank_b" / "outbox" / f"JJ_{day:%Y%m%d}.txt").write_bytes(bank_b_file(records))
    if feeds.truth is not None:
        text = json.dumps(feeds.truth, ensure_ascii=False, indent=1)
        (state / "truth.json").write_text(text + "\n", encoding="utf-8")
