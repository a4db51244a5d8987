"""The night on the page of its flow run in Prefect, once it has ended."""

import html
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flows.faults import sentence
from flows.history import run_details
from flows.left_behind import page_path
from flows.night_page import ENDS, NIGHTS, STEPS
from flows.outcome import Outcome
from flows.prefect_server import require_api
from ledger.runs import run_row
from ledger.settings import Settings
from ledger.store import open_ledger

log = logging.getLogger("jifen")


def show_night(settings: Settings, outcome: Outcome) -> None:
    """Leave two artifacts with the flow run: the night, and a table of its datasets. A warning where that fails."""
    try:
        ledger = open_ledger(settings)
        # What was built beside the current edition is no night, and has no row.
        run = run_row(ledger, outcome.report.get("run_id", ""))
        if run is None:
            return
        # Prefect's client would retry for minutes; this check gives up in seconds.
        require_api()
        from prefect.artifacts import create_markdown_artifact, create_table_artifact

        details = run_details(ledger, run)
        page = str(page_path(settings.data_dir, run["run_id"]))
        create_markdown_artifact(night_markdown(details, page), key="night", description=NIGHTS[details["state"]])
        create_table_artifact(datasets_of(details), key="datasets", description="数据集 datasets")
    except Exception as error:  # noqa: BLE001 - a page about the night is no part of it
        log.warning("Prefect: the night is not shown on its page: %s", sentence(error))


def datasets_of(details: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each dataset, those that need attention first."""
    quiet = ("landed", "unchanged", "not_supplied")
    ordered = sorted(details["datasets"], key=lambda one: (one["state"] in quiet, one["source"], one["dataset"]))
    return [
        {
            "dataset": f"{one['source']}.{one['dataset']}",
            "state": one["state"],
            "received": one["rows_received"],
            "landed": one["rows_landed"],
            "refused": one["rows_refused"],
            "repeats": one["rows_repeated"],
            "stale": details["stale"].get(f"{one['source']}.{one['dataset']}", ""),
            "message": one["message"] or "",
        }
        for one in ordered
    ]


def night_markdown(details: Mapping[str, Any], page: str) -> str:
    """The night as Markdown: state, verdict, edition, steps, deliveries, and where its page stands."""
    verdict = details["verdict"]
    counts = ", ".join(f"{n} {outcome}" for outcome, n in verdict["counts"].items()) if verdict else "未到 not reached"
    failed = [f"{one['table']}.{one['name']}: {one['observed']}" for one in (verdict or {"checks": ()})["checks"]]
    sent = [*details["deliveries"], *details["notices"]]
    lines = [
        f"# {details['as_of']} {NIGHTS[details['state']]}",
        _plain(details["message"]),
        f"- 现行版次 edition: {_plain(details['edition_id'] or 'none')}",
        f"- 闸门 gate: {_plain(verdict['state'] if verdict else '')} {_plain(counts)}",
        *(f"    - {_plain(one)}" for one in failed),
        f"- 报告 report: {_plain(page)}",
        *_table(
            ("步骤 step", "秒 seconds", "结果 ended"),
            [(STEPS.get(one["step"], one["step"]), one["seconds"], ENDS[one["ended"]]) for one in details["steps"]],
        ),
        *_table(
            ("接收方 recipient", "状态 state", "回复 answer", "错误 error"),
            [(one["recipient"], one["state"], one.get("ack_state"), one["last_error"]) for one in sent],
        ),
    ]
    return "\n".join(lines) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Iterable[object]]) -> Iterable[str]:
    if rows:
        yield ""
        yield f"| {' | '.join(heads)} |"
        yield "|---" * len(heads) + "|"
        yield from (f"| {' | '.join(map(_plain, row))} |" for row in rows)


def _plain(value: object) -> str:
    """A text from outside as text of Markdown: on one line, its marks escaped."""
    shown = "" if value is None else html.escape(" ".join(str(value).split()))
    return "".join(f"\\{sign}" if sign in "\\`*_[]()#|!" else sign for sign in shown)
