"""What a night leaves for people and monitoring, and no step reads: its page, figures and lineage."""

import logging
from pathlib import Path

from sqlalchemy import Engine

from flows.faults import sentence
from flows.history import SUMMARY, run_details, summary_of
from flows.lineage import write_lineage
from flows.metrics import write_metrics
from flows.night_page import night_page
from ledger.files import write_durably
from ledger.report import report_of
from ledger.runs import DIED, latest_runs, run_row
from ledger.settings import Settings
from ledger.store import Row

log = logging.getLogger("jifen")
LOOKED_BACK = 60
"""Among so many runs the last nights are looked for: a night may be run more than once."""


def leave_behind(settings: Settings, ledger: Engine, run_id: str) -> None:
    """Write all of it; what cannot be written is a warning, and changes nothing of how the night ended."""
    written = {
        "page and lineage of the run that died before it": _write_page_of_dead,
        "the night's page": write_page,
        "its figures": write_metrics,
        "its lineage": write_lineage,
    }
    for what, write in written.items():
        try:
            run = run_row(ledger, run_id)
            if run is not None:
                write(settings, ledger, run)
        except Exception as error:  # noqa: BLE001 - a report about the night is no part of it
            log.warning("%s: not written: %s", what, sentence(error))


def page_path(data_dir: Path, run_id: str) -> Path:
    """Where the page of a night stands; the name of a run begins with its business date."""
    return data_dir / "reports" / f"{run_id}.html"


def gate_page_path(data_dir: Path, run_id: str) -> Path:
    """Where the gate's page of a night stands."""
    return data_dir / "reports" / run_id / "gate.html"


def write_page(settings: Settings, ledger: Engine, run: Row) -> None:
    """Write the page of a run, and have `latest.html` lead to that of the newest."""
    nights = latest_runs(ledger, LOOKED_BACK, parts=SUMMARY)
    content = night_page(run_details(ledger, run), [summary_of(one) for one in nights], settings.zone)
    path = page_path(settings.data_dir, run["run_id"])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, content.encode("utf-8", "backslashreplace"))
    point_to_latest(settings.data_dir, ledger)


def point_to_latest(data_dir: Path, ledger: Engine) -> None:
    """Have `latest.html` lead to the page of the newest run, where it has one."""
    for run in latest_runs(ledger, parts=()):
        if (page := page_path(data_dir, run["run_id"])).is_file():
            pointer = page.with_name(".latest.html.part")
            pointer.unlink(missing_ok=True)
            pointer.symlink_to(page.name)
            pointer.replace(page.with_name("latest.html"))


def _write_page_of_dead(settings: Settings, ledger: Engine, run: Row) -> None:
    """A run whose process was killed wrote neither page nor lineage: the next one does."""
    for before in latest_runs(ledger, 2):
        if before["run_id"] != run["run_id"] and report_of(before).get("error") == DIED:
            write_page(settings, ledger, before)
            write_lineage(settings, ledger, before)
