"""`jifen status`: for people what to do first, for monitoring one line and an exit code."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Engine

from cli import show
from cli.command import Json
from cli.night import show_outcome
from connectors.errors import ConfigError
from connectors.plan import reading
from connectors.sink_files import ExtractSink, Sink, alert_channels, readable_sinks
from editions.ending import ending
from editions.places import edition_path
from flows.faults import sentence
from flows.history import outcome_of, seconds_of, step_at_work
from flows.outcome import Outcome
from flows.texts import counted, local
from ledger.batches import answered
from ledger.deliveries import late_answers
from ledger.held import held_batches, in_brief
from ledger.objections import objection_rows
from ledger.outbox import DEAD, disabled_channels, messages, relay_rows
from ledger.overrides import overrides_on, read_approvers
from ledger.publications import current_row, pending, sent_of
from ledger.report import Report, StepLine, report_of
from ledger.runs import latest_runs, runs_as_they_stand
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import Row, ledger_if_any
from ledger.tables import alerts, deliveries, outbox, returns
from ledger.yaml_file import read_yaml

WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
"""What monitoring calls the exit codes 0 to 3."""
# A turn of the relay ends within five minutes (flows.between_nights.TURN_SECONDS), and each writes a heartbeat.
RELAY_SILENT_HOURS = 0.25
CLOCK_HOURS = 0.25
"""By how much two machines may differ in what time it is."""
BAD = {
    "failed": "the last night failed",
    "blocked": "the gate blocked",
    "source_missing": "a critical source is missing",
}


def status(
    check: Annotated[bool, typer.Option("--check", help="One line and an exit code for monitoring.")] = False,
    max_hours: Annotated[float, typer.Option(min=0, help="With --check: how old the last night may be.")] = 26,
    as_json: Json = False,
) -> None:
    """Show what to do, the last night, the edition, what is not yet sent, sources by freshness, and the next night.

    Exit code 0. With --check: 0 all well, 1 warning (a source failed or is stale, something is not delivered), 2
    critical (the last night failed, was blocked or is missing), 3 status unknown.
    """
    if check:
        raise typer.Exit(check_status(max_hours, as_json))
    show_status(as_json)


def standing(settings: Settings) -> dict[str, Any]:
    """All that is known of the last night and of what it left behind, as `jifen status --json` prints it.

    A disk that became read-only stops the next night, but not a person who reads how the last one ended.
    """
    folder = settings.data_dir
    if not folder.is_dir() or os.access(folder, os.W_OK | os.X_OK):
        return {**_standing(settings, ledger_if_any(settings)), "cannot_write": None}
    with reading(settings) as ledger:
        return {**_standing(settings, ledger), "cannot_write": f"{folder} may not be written by {os.getuid()}"}


def _standing(settings: Settings, ledger: Engine | None) -> dict[str, Any]:
    if ledger is None:
        nothing = dict.fromkeys(("last_run", "at_work", "last_ended", "current"))
        return {"data_dir": str(settings.data_dir), **nothing, "recipients": [], "sources": [], **_expected(settings)}
    runs = runs_as_they_stand(ledger, settings.data_dir, 2)
    at_work = runs.pop(0) if runs and runs[0]["state"] == "running" else None
    last = next(iter(runs), None)
    report = report_of(last) if last else Report()
    queues = {"deliveries": deliveries, "notices": outbox, "returns": returns, "alerts": alerts}
    owed = {name: pending(ledger, table) for name, table in queues.items()}
    if at_work is not None:
        # What it queued itself it has not come to yet.
        owed = {name: [row for row in rows if row["created_at"] < at_work["started_at"]] for name, rows in owed.items()}
    edition = current_row(ledger)
    current = edition["edition_id"] if edition else None
    return {
        "objections_overdue": [
            row for row in objection_rows(ledger, settings.today, is_open=True) if row["state"] == "overdue"
        ],
        "data_dir": str(settings.data_dir),
        "current": current,
        "current_signed_by": edition["signed_by"] if edition else None,
        "current_as_of": edition["as_of"] if edition else None,
        "at_work": at_work,
        "last_run": last,
        "last_ended": next((run for run in latest_runs(ledger, 5) if run["ended_at"]), None),
        "sent": sent_of(ledger, current),
        "owed": owed,
        "sources": _answered(ledger, report),
        # Several may want the same: gpg, where it is not installed.
        "recipients": list(dict.fromkeys(_of_recipients(ledger, settings, report))),
        **_ending(settings, current),
        **_decided(ledger, settings, report),
        **_expected(settings),
    }


def _ending(settings: Settings, current: str | None) -> dict[str, list[str]]:
    """What ends within 90 days, and what of it has ended."""
    edition = edition_path(settings.data_dir, current) if current else None
    try:
        found = ending(settings.today, edition)
    except Exception as error:  # noqa: BLE001 - a seed or an edition that cannot be read is the business of the night
        return {"ending": [f"not known: {sentence(error)}"], "ended": []}
    return {"ending": [text for _, text in found], "ended": [text for last, text in found if last < settings.today]}


def _decided(ledger: Engine, settings: Settings, report: Report) -> dict[str, Any]:
    """What people decided: overrides that hold today or that the last night used, and each held batch with its word."""
    in_force = overrides_on(ledger, read_approvers(settings.approvers_file), settings.today)
    verdict = report.get("verdict") or {}
    held = [
        {
            "dataset": f"{row['source']}.{row['dataset']}",
            "batch": row["batch"],
            "as_of": row["as_of"],
            "decision": in_brief(row["decision"]),
        }
        for row in held_batches(ledger)
    ]
    return {
        "overrides": {"in_force": [one.as_dict() for one in in_force], "used": verdict.get("overrides", [])},
        "held": held,
    }


def _of_recipients(ledger: Engine, settings: Settings, report: Report) -> Iterator[str]:
    """Late answers, those that the last night could not read or take, channels, and keys."""
    yield from late_answers(ledger, settings.today)
    yield from (f"{line['recipient']}: {line['error']}" for line in report.get("acks", ()) if "error" in line)
    yield from _of_channels(ledger)
    yield from expiring_keys(readable_sinks(), os.environ)


def _of_channels(ledger: Engine) -> Iterator[str]:
    """Each channel that is disabled or has dead letters, and a relay that is silent."""
    for recipient, why in disabled_channels(ledger).items():
        yield f"{recipient} is disabled: {why} Next: jifen outbox replay --recipient {recipient}, once that is settled"
    for recipient, count in sorted(Counter(row["recipient"] for row in messages(ledger, DEAD)).items()):
        yield f"{counted(count, 'dead letter')} to {recipient}. Next: jifen outbox list --state dead"
    for row in relay_rows(ledger):
        if abs(_hours_since(row["seen_at"])) > RELAY_SILENT_HOURS:
            yield f"the relay on {row['host']} was last seen at {row['seen_at']}. Next: jifen outbox relay"


def expiring_keys(sinks: Sequence[Sink], environ: Mapping[str, str]) -> Iterator[str]:
    """Each OpenPGP key that expires soon or cannot be used, where its variable is set."""
    from connectors.openpgp import WARNED_DAYS, expiring

    # Keys expire at a moment, which gpg gives in UTC, so days are counted in UTC and not in the zone.
    today, reported = datetime.now(UTC).date(), set()
    for sink in sinks:
        sealing = sink.openpgp if isinstance(sink, ExtractSink) else None
        named = [sealing.signing_key.env, sealing.recipient_keys.env] if sealing else []
        for name in named:
            if not (path := environ.get(name)) or name in reported:
                continue
            reported.add(name)
            try:
                for key, left in expiring(Path(path).expanduser(), today, sink.name):
                    when = f"expires in {left} days" if left >= 0 else "has expired"
                    within = f" (within {min(days for days in WARNED_DAYS if left <= days)} days)" if left >= 0 else ""
                    yield f"key {key.fingerprint[-16:]} of {name} {when}{within}. Next: docs/banks.md, keys"
            except ConfigError as error:
                yield str(error)


def _expected(settings: Settings) -> dict[str, Any]:
    try:
        begins = next_night(datetime.now(settings.zone))
    except Exception as error:  # noqa: BLE001 - how the night is begun is no reason to say nothing of the last one
        begins = f"not known: prefect.yaml: {sentence(error)}"
    return {
        "operators_channels": [sink.name for sink in alert_channels(readable_sinks(), os.environ)],
        "next_night": begins,
    }


def next_night(now: datetime, path: Path = PROJECT_DIR / "prefect.yaml") -> str | None:
    """When `prefect.yaml` has the next night begin; what it says where that is no time of each day.

    None where it has no schedule, or none that is active: then something else begins the nights.
    """
    if not path.is_file():
        return None
    deployments = read_yaml(path.read_bytes()).get("deployments") or ()
    planned = [one for deployed in deployments for one in deployed.get("schedules") or ()]
    # `no` is a text to our reader and false to Prefect's: `jifen deploy` refuses it.
    schedules = [one for one in planned if one.get("active", True) is True and "cron" in one]
    if not schedules:
        return None
    cron, zone = str(schedules[0]["cron"]), str(schedules[0].get("timezone", "UTC"))
    daily = re.fullmatch(r"([0-5]?\d) ([01]?\d|2[0-3]) \* \* \*", cron)
    if daily is None:
        return f"{cron} {zone}"
    minute, hour = daily.groups()
    begins = now.astimezone(ZoneInfo(zone)).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    begins += timedelta(days=begins <= now)
    return f"{begins:%Y-%m-%d %H:%M} {zone}"


def troubles(facts: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """What a person has to look at, each with its exit code for monitoring: worst first.

    While a night is at work the one before it is judged, and a command that its lock would refuse has to wait.
    """
    if facts["cannot_write"]:
        yield 2, f"{facts['cannot_write']}: no night can run. Next: look at the disk and its rights, jifen doctor"
    last: Row | None = facts["last_run"]
    if last is None:
        if facts["at_work"] is None:
            yield 2, "no night has run yet. Next: jifen run"
        return
    wait = "" if facts["at_work"] is None else "wait for the night at work, then "
    ended = outcome_of(last)
    if ended.state in BAD:
        yield 2, _why_bad(ended, wait)
    failed: dict[str, list[str]] = {}
    for name, message in ended.failed.items():
        failed.setdefault(message, []).append(name)
    for message, names in failed.items():
        if not (ended.state == "source_missing" and message in ended.message):
            # A message begins with the dataset where it is of one.
            yield 1, f"not pulled {', '.join(names)}: {message.removeprefix(f'{names[0]}: ')}"
    yield from ((1, f"held {message}") for message in ended.held.values())
    yield from ((1, f"{name}: {message}") for name, message in ended.noticed.items())
    yield from _of_store(ended)
    for row in facts["objections_overdue"]:
        what = f"objection {row['objection_id']} of {row['uscc']} was to be decided by {row['due_on']}"
        yield 1, f"{what}. Next: jifen objection decide {row['objection_id']}"
    yield from ((1, text) for text in facts["recipients"])
    for pending_row in [one for some in facts["owed"].values() for one in some]:
        recipient = pending_row["recipient"]
        why = _why_pending(ended, pending_row["last_error"], wait).removeprefix(f"{recipient}: ")
        yield 1, f"not delivered to {recipient}: {why}"


def _why_bad(ended: Outcome, wait: str) -> str:
    what = BAD[ended.state]
    text = ended.message if ended.message.startswith(what) else f"{what}: {ended.message}"
    if "jifen run" in text:
        return text
    return f"{text.rstrip('.')}. Next: {wait}fix it, then jifen run --as-of {ended.as_of}"


def _of_store(ended: Outcome) -> Iterator[tuple[int, str]]:
    for name, why in ended.report.get("stale", {}).items():
        # Of one that was not pulled, or is held, another line says what to do.
        if name not in ended.failed and name not in ended.held:
            yield 1, f"stale {name}: {why}. Next: ask the agency for newer data"
    for path in ended.report.get("made_again", ()):
        what = f"{path} was missing or damaged, and was made again from raw"
        yield 1, f"{what}. Next: look at the disk, and at who may write there"


def _why_pending(ended: Outcome, error: str | None, wait: str) -> str:
    why = ended.dated(error or "not tried yet.")
    if "jifen run" in why:
        return why
    why = f"{why.rstrip('.')}, then" if "Next: " in why else f"{why} Next:"
    return f"{why} {wait}jifen run --as-of {ended.as_of}"


def check_status(max_hours: float, as_json: bool) -> int:
    """Print one line for monitoring; answers its exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""
    try:
        facts = standing(Settings())
        found = [*_too_old(facts, max_hours), *troubles(facts)]
        code = max((code for code, _ in found), default=0)
        worst = sorted(found, key=lambda one: -one[0])
        line = "; ".join(text for _, text in worst) or _good(facts)
        if facts["at_work"] is not None:
            line += f"; night of {facts['at_work']['as_of']} at work"
    except Exception as error:  # noqa: BLE001 - monitoring gets an answer whatever fails
        code, line = 3, sentence(error)
    line = " ".join(line.split())
    if as_json:
        show.show_json({"state": WORDS[code], "message": line, "exit_code": code})
    else:
        show.console.print(f"{WORDS[code]} - {show.safe(line)}")
    return code


def _too_old(facts: dict[str, Any], max_hours: float) -> Iterator[tuple[int, str]]:
    # Before the first night has ended the one at work is judged, which may hang.
    run: Row | None = facts.get("last_ended") or facts["at_work"]
    if run is None:
        return
    hours = _hours_since(run["started_at"])
    if hours > max_hours:
        yield (
            2,
            f"no night has ended for {hours:.0f} h. Next: look at the scheduler or the Prefect worker, then jifen run",
        )
    elif hours < -CLOCK_HOURS:
        what = f"the last night began at {run['started_at']}, which lies ahead: how old it is, is not known"
        yield 2, f"{what}. Next: set the clock (jifen doctor), then jifen run"


def _good(facts: dict[str, Any]) -> str:
    ended: Row | None = facts["last_ended"]
    if ended is None:
        return "no night has ended yet"
    hours = _hours_since(ended["started_at"])
    return f"night of {ended['as_of']} {ended['state']} {hours:.1f} h ago, current edition {facts['current']}"


def _hours_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds() / 3600


def show_status(as_json: bool) -> None:
    """Print what to do, then the last night, then what it refused and sent."""
    settings = Settings()
    facts = standing(settings)
    # Not among the troubles of monitoring: until a person adds the row it would be a warning every night.
    found = [*troubles(facts), *((1, text) for text in facts.get("ended", ()))]
    if as_json:
        show.show_json({**facts, "to_do": [text for _, text in found]})
        return
    for code, text in found:
        show.console.print(f"[{'red' if code == 2 else 'yellow'}]to do[/] {show.safe(text)}")
    if not found:
        show.console.print("[green]no action needed[/]")
    show.show_facts(_facts(facts, settings))
    if facts["last_run"] is not None and facts["last_run"]["report"]:
        show_outcome(replace(outcome_of(facts["last_run"]), message=""))


def _facts(facts: dict[str, Any], settings: Settings) -> Iterator[tuple[str, str]]:
    last: Row | None = facts["last_run"]
    if (at_work := facts["at_work"]) is not None:
        step = step_at_work(at_work)
        since = f"{step['step']} since {local(step['began_at'], settings.zone)}, " if step else ""
        yield "at work", f"{since}night of {at_work['as_of']}, {_when(at_work, settings)}, run {at_work['run_id']}"
    if last is not None:
        yield "last night", f"{last['as_of']} {last['state']}, {_when(last, settings)}, run {last['run_id']}"
        if steps := report_of(last).get("steps"):
            yield "by step", ", ".join(map(_step, steps))
    as_of = facts.get("current_as_of")
    signed = f"signed by key {facts['current_signed_by']}" if facts.get("current_signed_by") else "unsigned 未签名"
    yield "current edition", f"{facts['current']} as of {as_of}, {signed}" if facts["current"] else "none"
    if last is not None:
        owed = (f"{name} {len(some)}" for name, some in facts["owed"].items() if some)
        yield "not delivered", ", ".join(owed) or "nothing"
        yield "stale", ", ".join(report_of(last).get("stale", {})) or "none"
    yield from (("source", text) for text in _of_sources(facts["sources"]))
    yield from _of_people(facts)
    yield from (("ends", text) for text in facts.get("ending", ()) if text not in facts["ended"])
    by = "by prefect.yaml, where it is deployed"
    yield "next night", f"{facts['next_night']} ({by})" if facts["next_night"] else "no schedule in prefect.yaml"
    named = ", ".join(facts["operators_channels"])
    yield "operators", named or "no channel: set OPERATORS_WEBHOOK_URL and OPERATORS_WEBHOOK_SECRET"
    yield "data folder", facts["data_dir"]


def _answered(ledger: Engine, report: Report) -> list[Row]:
    """When each dataset answered; one that the last night did not ask for is none of the zone's any more."""
    asked = {(one["source"], one["dataset"]) for one in report.get("pulled", ())}
    return [row for row in answered(ledger) if not asked or (row["source"], row["dataset"]) in asked]


def _of_sources(datasets: Sequence[Row]) -> Iterator[str]:
    """Each source with the day on which all of it had answered, and since when its content is unchanged: oldest first.

    Where a dataset answered later than another the oldest day counts. `--json` has each dataset.
    """
    by_source: dict[str, list[Row]] = {}
    for one in datasets:
        by_source.setdefault(one["source"], []).append(one)
    for source, some in by_source.items():
        since: dict[str, list[str]] = {}
        for one in sorted(some, key=lambda one: (str(one["changed_on"]), one["dataset"])):
            since.setdefault(str(one["changed_on"] or "an unknown day"), []).append(one["dataset"])
        # A few are named; many would hide those of another day.
        named = {day: ", ".join(names) if len(names) <= 3 else f"{len(names)} datasets" for day, names in since.items()}
        changed = "; ".join(f"{names} {day}" for day, names in named.items())
        yield f"{source} answered {some[0]['answered_on']}, content of {changed}"


def _step(line: StepLine) -> str:
    took = "not ended" if line["seconds"] is None else f"{line['seconds']:.0f} s"
    return f"{line['step']} {took}" + ("" if line["ended"] in ("done", None) else f" ({line['ended']})")


def _of_people(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    overrides = facts.get("overrides", {"used": [], "in_force": []})
    for word, some in (("override used", overrides["used"]), ("override holds", overrides["in_force"])):
        for one in some:
            checks, who = ", ".join(one["checks"]), ", ".join(one["signed_by"])
            yield word, f"{one['override_id']} for {checks} until {one['until']}, by {who}: {one['why']}"
    for one in facts.get("held", ()):
        decision = one["decision"]
        word = f"{decision['action']} by {decision['decided_by']}: {decision['why']}" if decision else "not decided yet"
        yield "held", f"{one['dataset']} batch {one['batch']}, {word}"


def _when(run: Row, settings: Settings) -> str:
    seconds = seconds_of(run)
    took = "" if seconds is None else f", took {seconds:.0f} s"
    return f"began {local(run['started_at'], settings.zone)} {settings.time_zone}{took}"
