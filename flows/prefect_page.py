"""What the page of a flow run in Prefect says of its night, once it has ended."""

import html
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flows.faults import sentence
from flows.history import told_of_run
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
        # Its client would try for minutes, and this one gives up in seconds.
        require_api()
        from prefect.artifacts import create_markdown_artifact, create_table_artifact

        told = told_of_run(ledger, run)
        page = str(page_path(settings.data_dir, run["run_id"]))
        create_markdown_artifact(night_markdown(told, page), key="night", description=NIGHTS[told["state"]])
        create_table_artifact(datasets_of(told), key="datasets", description="数据集 datasets")
    except Exception as error:  # noqa: BLE001 - the night ended as it ended, whatever its page says of it
        log.warning("Prefect: what the night came to is not on its page: %s", sentence(error))


def datasets_of(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each dataset, what needs a look before the rest."""
    quiet = ("landed", "unchanged", "not_supplied")
    ordered = sorted(told["datasets"], key=lambda one: (one["state"] in quiet, one["source"], one["dataset"]))
    return [
        {
            "dataset": f"{one['source']}.{one['dataset']}",
            "state": one["state"],
            "received": one["rows_received"],
            "landed": one["rows_landed"],
            "refused": one["rows_refused"],
            "repeats": one["rows_repeated"],
            "stale": told["stale"].get(f"{one['source']}.{one['dataset']}", ""),
            "message": one["message"] or "",
        }
        for one in ordered
    ]


def night_markdown(told: Mapping[str, Any], page: str) -> str:
    """The night as Markdown: state, verdict, edition, steps, deliveries, and where its page stands."""
    verdict = told["verdict"]
    counts = ", ".join(f"{n} {outcome}" for outcome, n in verdict["counts"].items()) if verdict else "未到 not reached"
    failed = [f"{one['table']}.{one['name']}: {one['observed']}" for one in (verdict or {"checks": ()})["checks"]]
    sent = [*told["deliveries"], *told["notices"]]
    lines = [
        f"# {told['as_of']} {NIGHTS[told['state']]}",
        _plain(told["message"]),
        f"- 现行版次 edition: {_plain(told['edition_id'] or 'none')}",
        f"- 闸门 gate: {_plain(verdict['state'] if verdict else '')} {_plain(counts)}",
        *(f"    - {_plain(one)}" for one in failed),
        f"- 报告 report: {_plain(page)}",
        *_table(
            ("步骤 step", "秒 seconds", "结果 ended"),
            [(STEPS.get(one["step"], one["step"]), one["seconds"], ENDS[one["ended"]]) for one in told["steps"]],
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
    """A text from outside as text of Markdown: on one line, and no mark of it is obeyed."""
    shown = "" if value is None else html.escape(" ".join(str(value).split()))
    return "".join(f"\\{sign}" if sign in "\\`*_[]()#|!" else sign for sign in shown)
