"""Every kind of fault that a simulated agency can show, and what a sound client makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connectors.spec import Dataset, FileRequest, RestRequest, Source
from ledger.files import read_csv
from sandbox.standin import planted
from sandbox.standin.planted import PLANTED, Expected

KINDS_FILE: Final = Path(__file__).absolute().parents[1] / "faults" / "kinds.csv"


@dataclass(frozen=True)
class FaultKind:
    """One way to fail.

    `expected`: "right" (tried again or tolerated: what lands equals the truth), "loud" (the dataset stops with an error
    and nothing is promoted, or exactly the records it touches are refused with a reason), or "either" of the two.
    `times` is how often it strikes unless a plan says otherwise; None: as long as it is in force. `stage` is where in
    an answer it sets in. `later`: what it holds back may be left for the next run, and must land then. `again`: it
    strikes what was pulled in health before.
    """

    name: str
    does: str
    drivers: tuple[str, ...]
    expected: Expected
    stage: str
    times: int | None = None
    needs: frozenset[str] = frozenset()
    later: bool = False
    again: bool = False

    def applies(self, source: Source, dataset: Dataset) -> bool:
        """Whether this kind can strike this dataset at all."""
        if self.name in PLANTED:
            return planted.applies(PLANTED[self.name], source.driver, dataset)
        return source.driver in self.drivers and self.needs <= _features_of(source, dataset)


def _features_of(source: Source, dataset: Dataset) -> frozenset[str]:
    """The words of the column `needs` that are true of a dataset."""
    decoder, form, request = dataset.decoder, dataset.decoder.kind, dataset.request
    paging = getattr(dataset.paginator, "kind", None)
    auth = getattr(getattr(source.connection, "auth", None), "kind", None)
    archive = getattr(decoder, "archive", None)
    answered = request.answered if isinstance(request, RestRequest) else None
    ready = getattr(getattr(request, "ready", None), "kind", None)
    has_total = form == "json" and getattr(getattr(dataset.paginator, "inner", dataset.paginator), "total", None)
    found = {
        "json": form == "json",
        "envelope": form == "json" and getattr(decoder, "records", None) is not None,
        "json_or_lines": form in ("json", "jsonl"),
        "text": form in ("json", "jsonl", "csv"),
        # JSON lines without a line are a valid page without records: a client cannot notice that one is missing.
        "never_empty": form != "jsonl" or archive is not None,
        "csv": form == "csv",
        "xlsx": form == "xlsx",
        "rows": form in ("csv", "xlsx"),
        "utf8": getattr(decoder, "encoding", "utf-8") == "utf-8",
        "unpacked": archive is None,
        "zip": archive == "zip",
        "archive": archive is not None,
        "trailer": getattr(decoder, "trailer", None) is not None,
        "total": bool(has_total),
        "tokens": paging in ("cursor_body", "cursor_header", "next_link", "link_header", "post_token"),
        "links": paging in ("next_link", "link_header"),
        "pages": paging not in (None, "single"),
        # Without a number of records it cannot be seen that one is gone.
        "counted": bool(has_total) and paging in ("page_number", "offset", "time_window"),
        "not_keyset": paging != "keyset",
        "unpartitioned": not isinstance(request, RestRequest) or request.partition is None,
        "job": isinstance(request, RestRequest) and request.job is not None,
        "answered": answered is not None,
        "answered_retry": answered is not None and bool(answered.retry),
        "token_auth": auth in ("oauth2_client_credentials", "session_login"),
        "signed": auth == "signed",
        "flag": ready == "flag",
        "manifest": ready == "manifest",
        "replaced": getattr(dataset.deletes, "kind", None) == "replace_by",
        "chinese": _has_chinese(dataset),
        "typed": any(column.data_type != "varchar" for column in dataset.columns),
        "required": any(column.required for column in dataset.columns),
    }
    if isinstance(request, FileRequest):
        found["corrected"] = dataset.load == "upsert" and not found["replaced"] and request.order.by == "time"
    return frozenset(word for word, is_so in found.items() if is_so)


def _has_chinese(dataset: Dataset) -> bool:
    """Whether what is sent has signs beyond ASCII: in field names, values or free text."""
    texts = [c for c in dataset.columns if c.data_type == "varchar" and not c.check and c.name not in dataset.key]
    named = any(not column.source_field.isascii() for column in dataset.columns)
    return named or any(c.values is None or not "".join(c.values).isascii() for c in texts)


def _read_kinds() -> dict[str, FaultKind]:
    kinds = [
        FaultKind(
            row["kind"],
            row["does"],
            tuple(row["drivers"].split()),
            row["expected"],  # type: ignore[arg-type]
            row["stage"],
            int(row["times"]) if row["times"] else None,
            frozenset(row["needs"].split()),
            later=row["later"] == "yes",
            again=row["again"] == "yes",
        )
        for row in read_csv(KINDS_FILE)
    ]
    drivers = ("rest", "sftp", "folder", "database")
    kinds += [FaultKind(name, row.does, drivers, row.expected, "drift") for name, row in PLANTED.items()]
    return {kind.name: kind for kind in kinds}


FAULT_KINDS: Final[Mapping[str, FaultKind]] = _read_kinds()
