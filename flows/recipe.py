"""The recipe, as plain functions: ingest, build, gate, publish, deliver, notify. Prefect only wraps them."""

import logging
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import date, datetime, timedelta
from functools import partial

from connectors.errors import ConfigError
from connectors.identity_decisions import IdentityDecision, decisions_sha256, known_on, read_decisions
from connectors.inputs import Supplied, lay_out, resolve
from connectors.pull import Pulled, pull_dataset, waves
from connectors.sink_files import alert_channels, read_sinks, readable_sinks
from connectors.source_files import read_sources
from connectors.spec import Dataset, Source
from connectors.stored import Store, require_stored
from connectors.zone import Zone, read_zone
from editions.build import BuildReport, build
from editions.candidate import Candidate, drop_old_candidates, new_candidate
from editions.causes import DECISIONS
from editions.dbt import Dbt
from editions.export import require_described
from editions.manifest import ManifestError, read_manifest
from editions.places import edition_path, repair_current
from editions.programme import programme_problems
from editions.provenance import CORRECTION, RULE_CHANGE
from editions.rank_intervals import fill_rank_intervals
from editions.recipe import InputBatch, edition_id_of, facts_and_rules, recipe_digest, rules_sha256
from editions.relations import sealed_relations
from editions.ruleset_diff import moved
from editions.ruleset_problems import in_one_line
from editions.score.ruleset import read_seeds
from editions.score.run import Place, problems_of
from editions.seal import drop_drafts, require_whole
from expectations.gate import audit, preload
from expectations.gate_page import gate_page
from expectations.verdict import PublicationBlocked, Verdict, overridden, require_passed
from flows.acks import collect_acks
from flows.alerts import with_alerts_sent
from flows.deliver import deliver_pending
from flows.faults import sentence
from flows.left_behind import gate_page_path, leave_behind
from flows.night import Cleared, Correction, Night
from flows.night_log import kept_log
from flows.outcome import Outcome, dated
from flows.past import has_passed, known_then, require_behind, require_come, stood_on, why_unknown
from flows.publish import publish_edition, recipients, seal_edition, stale_of
from flows.relay import notify_pending
from flows.returns import compose_returns, with_returns_sent
from flows.steps import Steps, counts_of_sent, recorded, step_of
from flows.texts import counted
from ledger.acts import EditionWithdrawnError, require_not_withdrawn, withdrawn
from ledger.binding import move_on
from ledger.deliveries import late_answers, queue_due
from ledger.files import close_to_others, sweep_parts
from ledger.overrides import Override, overrides_on, read_approvers
from ledger.publications import beside_rows, current_id, edition_row, keep_edition
from ledger.report import Report
from ledger.runs import end_run, exclusive_run, heartbeat, start_run
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import NotPossibleError, open_ledger

log = logging.getLogger("jifen")

CONNECTIONS_AT_ONCE = 4
CANDIDATES_KEPT = 3
"""So that what the gate blocked can be looked at, also after the next nights."""
EARLY_START = timedelta(minutes=1)
"""By how much a worker may begin a run early, so possibly on the day before."""


class SourceMissingError(RuntimeError):
    """A critical source supplied nothing tonight: nothing may be published. Exit code 4."""


def pull_one(night: Night, source: Source, dataset: Dataset) -> Pulled:
    """Ingest one dataset; its faults are in what is returned, so that one agency never stops another."""
    log.debug("ingest: %s.%s", source.name, dataset.name)
    pulled = pull_dataset(source, dataset, night.zone, night.settings, night.ledger, night.as_of, night.lines)
    if pulled.state == "landed":
        night.dbt.start()
    found = pulled.message or f"{pulled.rows_received} received, {pulled.rows_refused} refused"
    # A message begins with the dataset where it is of one.
    text = dated(found, night.as_of).removeprefix(f"{dataset.address}: ")
    level = logging.WARNING if pulled.state in ("failed", "held") else logging.INFO
    log.log(level, "ingest: %s.%s %s: %s", source.name, dataset.name, pulled.state, text)
    return pulled


def pull_all(night: Night) -> list[Pulled]:
    """Ingest every dataset, a few at a time."""
    with ThreadPoolExecutor(CONNECTIONS_AT_ONCE) as pool:
        return [one for wave in waves(night.sources) for one in pool.map(lambda pair: pull_one(night, *pair), wave)]


def build_candidate(night: Night, supplied: Sequence[Supplied]) -> tuple[Candidate, BuildReport]:
    """Lay the inputs out and build a fresh candidate from them."""
    _require_sound(night)
    log.debug("build: laying out the inputs, then dbt")
    candidate = new_candidate(night.settings.data_dir, night.run_id)
    lay_out(candidate.inputs, night.sources, supplied, night.settings.data_dir, night.decisions)
    # dbt is a process of its own, and this one would wait idly for it.
    preload()
    report = build(candidate, night.as_of, PROJECT_DIR, night.dbt)
    fill_rank_intervals(candidate.warehouse, candidate.path)
    require_described(candidate.warehouse, sealed_relations(candidate.target))
    log.info("build: %d models, %d tests", report.models, report.tests)
    return candidate, report


def _require_sound(night: Night) -> None:
    """Raise `ConfigError` for an invalid row of rule sets or programme: at once, not at the end of a long build."""
    place = Place(PROJECT_DIR, night.settings.data_dir)
    checked = (
        ("the rule sets have", problems_of(read_seeds(place.dbt_project), place), "rulesets", "ruleset"),
        ("the programme's parameters have", programme_problems(place.dbt_project), "programme", "programme"),
    )
    for what, problems, folder, group in checked:
        if problems:
            raise ConfigError(
                f"{what} {counted(len(problems), 'problem')}, so nothing was built: {in_one_line(problems)}.",
                f"dbt_project/seeds/{folder}",
                f"fix what is named, jifen {group} check, jifen run",
            )


def audit_candidate(night: Night, candidate: Candidate) -> Verdict:
    """Let the gate decide; a blocked candidate raises `PublicationBlocked`, and is kept for inspection."""
    log.debug("gate: auditing the candidate")
    verdict = judge(night, candidate)
    for one in verdict.overrides:
        log.warning("gate: override %s of %s is used: %s", one.override_id, ", ".join(one.signed_by), one.why)
    log.info("gate: %s, %d checks", verdict.state, len(verdict.checks))
    require_passed(verdict)
    return verdict


def judge(night: Night, candidate: Candidate, used: Sequence[Override] | None = None) -> Verdict:
    """The gate's verdict over a candidate, compared with the edition that the night follows, overrides among it.

    `used` are the overrides of an earlier verdict that is to be repeated; None takes those in force on the night's day.
    """
    if used is None:
        used = overrides_on(night.ledger, read_approvers(night.settings.approvers_file), night.as_of)
    return overridden(audit(candidate.warehouse, night.previous, is_correction=night.corrects is not None), used)


PLAIN_STEPS = Steps(pull_all, build_candidate, audit_candidate, publish_edition, deliver_pending, notify_pending)


def run_night(
    settings: Settings, as_of: date | None, driver: str, steps: Steps = PLAIN_STEPS, corrects: Correction | None = None
) -> Outcome:
    """Run the whole recipe once, under the one lock of the data folder. How it ended is returned, and is in the ledger.

    `corrects` is the published edition that this night's replaces, where a person asked for a correction.
    Raises `NotPossibleError` and `RunLockedError` before anything has begun. Every other fault is an `Outcome`.
    """
    now = datetime.now(settings.zone)
    as_of = as_of or now.date()
    with exclusive_run(settings.data_dir), Dbt() as dbt:
        ledger = open_ledger(settings)
        require_come(as_of, (now + EARLY_START).date())
        current = current_id(ledger)
        repair_current(settings.data_dir, current)
        _tidy(settings)
        night = Night("", as_of, settings, ledger, (), (), Zone(), current, corrects=corrects, dbt=dbt)
        if has_passed(ledger, as_of):
            require_behind(ledger, as_of, now.date())
            return _build_beside(_with_files(night), steps)
        # In this order: `start_run` refuses while another host is at work, and what was refused is no turn.
        run_id = start_run(ledger, as_of, driver)
        move_on(ledger, settings.data_dir)
        report: Report = {"run_id": run_id, "as_of": as_of.isoformat(), "driver": driver}
        night = replace(night, run_id=run_id)
        with heartbeat(ledger, run_id), kept_log(settings.data_dir, report) as lines:
            try:
                night = _with_files(night)
            except Exception as error:  # noqa: BLE001 - a night that cannot begin is a night that failed
                night = replace(night, sinks=tuple(alert_channels(readable_sinks(), os.environ)))
                report["error"] = sentence(error)
                outcome = Outcome("failed", as_of.isoformat(), current, report["error"], report)
            else:
                lines.hide((*night.sources, *night.sinks), os.environ)
                outcome = _outcome_of(night, report, partial(_recipe, night, recorded(steps, report), report))
                with step_of(night, report, "returns") as line:
                    outcome = with_returns_sent(night, outcome)
                    line["counts"] = {
                        "written": len(report.get("returns", ())),
                        **counts_of_sent(report.get("returns_sent", ())),
                    }
                _split_if_rules_moved(night, outcome, report)
            # Last: what was not sent until here, return files too, is an incident of this night.
            with step_of(night, report, "alerts") as line:
                outcome = with_alerts_sent(night, outcome)
                line["counts"] = counts_of_sent(report.get("alerts", ()))
            lines.add(logging.INFO if outcome.is_good else logging.ERROR, f"{outcome.state}: {outcome.message}")
            end_run(ledger, run_id, outcome.state, current_id(ledger), {**report, "message": outcome.message})
            leave_behind(settings, ledger, run_id)
        drop_old_candidates(settings.data_dir, CANDIDATES_KEPT)
    return outcome


def _tidy(settings: Settings) -> None:
    """Close the data folder to others, and sweep what a kill or a full disk left half written."""
    close_to_others(settings.data_dir, settings.readers_group)
    drop_drafts(settings.data_dir)
    if swept := sweep_parts(settings.data_dir):
        log.info("swept %s that a run left half written", counted(swept, "file"))


def _with_files(night: Night) -> Night:
    sources = tuple(read_sources())
    zone = read_zone(night.settings.zone_file, sources)
    return replace(night, sources=sources, zone=zone, sinks=tuple(read_sinks()))


def _split_if_rules_moved(night: Night, outcome: Outcome, report: Report) -> None:
    """After a rule change or a correction, split what moved each enterprise by cause: its own facts, or the rules.

    No other step needs it: where it fails the night's outcome stays, and `jifen edition diff` works it out again.
    """
    row = edition_row(night.ledger, outcome.edition_id) if outcome.state == "published" and outcome.edition_id else None
    if row is None or row["kind"] not in (RULE_CHANGE, CORRECTION) or night.follows is None:
        return
    from flows.diff import diff_within  # It replays recipes, and so imports this module.

    try:
        found = diff_within(night.settings, night.ledger, night.follows, row["edition_id"])
        report["split"] = {"causes": [cause.name for cause in found.causes], "builds": found.builds}
    except Exception as error:  # noqa: BLE001 - the edition is published; only the explanation is missing
        report["split"] = {"error": sentence(error)}
        log.warning("split: %s Next: jifen edition diff %s %s", sentence(error), night.follows, row["edition_id"])


def _outcome_of(night: Night, report: Report, work: Callable[[], Outcome]) -> Outcome:
    """Do the work and turn how it ended into an `Outcome`; after an error the report holds what was done until then."""

    def stopped(state: str, message: str) -> Outcome:
        return Outcome(state, night.as_of.isoformat(), current_id(night.ledger), message, report)

    try:
        return work()
    except SourceMissingError as error:
        return stopped("source_missing", str(error))
    except PublicationBlocked as error:
        report["verdict"] = error.verdict.as_dict()
        return stopped("blocked", str(error))
    except KeyboardInterrupt:
        return stopped("failed", "interrupted; what was fetched is kept. Next: jifen run")
    except Exception as error:  # noqa: BLE001 - any error belongs into the run's row; its text names whose it is
        return stopped("failed", sentence(error))


def _recipe(night: Night, steps: Steps, report: Report) -> Outcome:
    state, message = _publish_if_new(night, steps, report)
    owed = _send_all_pending(night, steps, report)
    outcome = Outcome(state, night.as_of.isoformat(), current_id(night.ledger), message, report, owed)
    if outcome.failed:
        message += f" Not pulled: {', '.join(outcome.failed)}. Next: `jifen status` says why."
    if outcome.held:
        message += f" Held: {', '.join(outcome.held)}. Next: `jifen source held` shows what changed."
    if owed:
        message += f" Not delivered yet: {', '.join(owed)}. Next: fix what the report names, then `jifen run`."
    return replace(outcome, message=message)


def _publish_if_new(night: Night, steps: Steps, report: Report) -> tuple[str, str]:
    _require_stored(night, report)
    pulled = steps.pull_all(night)
    report["pulled"] = [asdict(one) for one in pulled]
    report["returns"] = compose_returns(night)
    _require_critical(pulled)
    cleared = _cleared(night, steps, pulled, report)
    if isinstance(cleared, str):
        return "nothing_new", f"nothing changed; edition {cleared} stays current."
    edition_id = edition_id_of(night.as_of, cleared.recipe_sha256)
    log.debug("publish: sealing %s", edition_id)
    if reason := steps.publish(night, cleared):
        return "nothing_new", reason
    log.info("publish: %s is current", edition_id)
    return "published", f"edition {edition_id} is current."


def _cleared(night: Night, steps: Steps, pulled: Sequence[Pulled], report: Report) -> Cleared | str:
    """A candidate that passed the gate, or the id of the edition that was already made of the same inputs and rules."""
    _require_frozen(night)
    _require_stored(night, report)
    if night.follows is not None:
        _require_whole(night, night.follows)
    supplied = resolve(night.sources, pulled, night.ledger, night.settings, night.as_of)
    report["stale"] = stale_of(supplied)
    _require_first_accepted(supplied)
    night = replace(night, decisions=known_on(read_decisions(night.settings.data_dir, night.sources), night.as_of))
    inputs = inputs_of(supplied, night.decisions)
    rules = rules_sha256(PROJECT_DIR)
    digest = recipe_digest(night.as_of, inputs, rules)
    edition_id = edition_id_of(night.as_of, digest)
    beside = beside_rows(night.ledger) if has_passed(night.ledger, night.as_of) else ()
    if edition_id in {night.follows, *(row["edition_id"] for row in beside)}:
        return edition_id
    require_not_withdrawn(night.ledger, edition_id)
    _require_other_than_withdrawn(night, inputs, rules)
    candidate, built = steps.build(night, supplied)
    report["build"] = built.as_dict()
    try:
        verdict = steps.gate(night, candidate)
    except PublicationBlocked as error:
        _write_gate_page(night, candidate, error.verdict, report)
        raise
    report["verdict"] = verdict.as_dict()
    _write_gate_page(night, candidate, verdict, report)
    if rules_sha256(PROJECT_DIR) != rules:
        raise ConfigError("the rules were changed while the edition was built.", str(PROJECT_DIR), "jifen run")
    return Cleared(candidate, built, verdict, inputs, digest, rules, tuple(supplied))


def _require_other_than_withdrawn(night: Night, inputs: Sequence[InputBatch], rules: str) -> None:
    """Raise `EditionWithdrawnError` for the facts and rules of a withdrawn edition, on a later day too.

    They pass where the edition that the night follows has the same and was not withdrawn.
    """
    now = facts_and_rules({"rules_sha256": rules, "inputs": [one.as_dict() for one in inputs]})
    gone = withdrawn(night.ledger)
    for edition_id in (night.follows, *gone) if gone and night.follows else gone:
        # A manifest of format 1 has no hash of the rules alone.
        with suppress(ManifestError, KeyError):
            if facts_and_rules(read_manifest(edition_path(night.settings.data_dir, edition_id))) == now:
                if edition_id in gone:
                    raise EditionWithdrawnError(gone[edition_id])
                return


def _require_stored(night: Night, report: Report) -> None:
    """Check that landed and refused records are as they were written; a damaged file is made again from raw.

    Called before the pulls, which land on top of these files, and again before the build; a file is hashed once.
    """
    store = Store(night.settings, night.ledger, night.zone, night.hashed)
    if made_again := require_stored(night.sources, store, night.as_of):
        report["made_again"] = [*report.get("made_again", []), *made_again]


def _require_whole(night: Night, edition_id: str) -> None:
    """Check that an edition is as it was sealed: the night is compared with it, and keeps it where nothing is new."""
    row = edition_row(night.ledger, edition_id)
    if row is not None:
        require_whole(edition_path(night.settings.data_dir, edition_id), edition_id, row["manifest_sha256"])


def _write_gate_page(night: Night, candidate: Candidate, verdict: Verdict, report: Report) -> None:
    """Write `reports/<run>/gate.html`. A page that cannot be written is a warning, and stops no night."""
    path = gate_page_path(night.settings.data_dir, night.run_id)
    facts = {
        "业务日期 Business date": night.as_of.isoformat(),
        "运行 Run": night.run_id,
        "上一版 Edition before": night.follows or "无 none",
    }
    try:
        content = gate_page(verdict.as_dict(), candidate.warehouse, night.previous, facts, report.get("pulled", ()))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except Exception as error:  # noqa: BLE001 - a page about the night is no part of it
        log.warning("gate: its page was not written: %s", sentence(error))
    else:
        report["gate_page"] = str(path.relative_to(night.settings.data_dir))
        log.info("gate: %s", path)


def _build_beside(night: Night, steps: Steps) -> Outcome:
    """Make the edition of a day that has passed, of what was known then, by the rules and settings of now.

    No agency is called, nothing is sent, and `current` stays: the ledger gets the edition's row, and no run.
    """
    known = known_then(night)
    if unknown := why_unknown(night.ledger, known, night.as_of):
        raise NotPossibleError(unknown)
    run_id = f"{night.as_of.isoformat()}-beside-{uuid.uuid4().hex[:8]}"
    night = replace(night, run_id=run_id, follows=stood_on(night.ledger, night.as_of))
    report: Report = {"run_id": run_id, "as_of": night.as_of.isoformat()}

    def beside() -> Outcome:
        cleared = _cleared(night, steps, known, report)
        row = None if isinstance(cleared, str) else seal_edition(night, cleared)
        if row is None:
            stands = cleared if isinstance(cleared, str) else night.follows
            message = f"edition {stands} of that day says the same; current stays."
            return Outcome("nothing_new", night.as_of.isoformat(), stands, message, report)
        edition_id = str(row["edition_id"])
        if edition_row(night.ledger, edition_id) is None:
            keep_edition(night.ledger, row)
        message = f"edition {edition_id} was built for a past date; {current_id(night.ledger)} stays current."
        return Outcome("beside", night.as_of.isoformat(), edition_id, message, report)

    outcome = _outcome_of(night, report, beside)
    drop_old_candidates(night.settings.data_dir, CANDIDATES_KEPT)
    return outcome


def _require_critical(pulled: Sequence[Pulled]) -> None:
    missing = [one for one in pulled if one.state == "failed" and one.critical]
    if missing:
        names = ", ".join(f"{one.source}.{one.dataset}" for one in missing)
        each = " ".join(dict.fromkeys(one.message for one in missing if one.message))
        raise SourceMissingError(
            f"a critical source is missing: {names}. Nothing is published and current stays. {each}"
        )


def _require_first_accepted(supplied: Sequence[Supplied]) -> None:
    """A critical dataset whose only delivery is a first one that is held counts as missing."""
    held = [
        f"{one.source}.{one.dataset}" for one in supplied if one.is_critical and one.is_held and not one.is_supplied
    ]
    if held:
        raise SourceMissingError(
            f"a critical source is missing: the first delivery of {', '.join(held)} is held. Nothing is published and "
            f"current stays. Whose: data. Next: jifen source held {held[0]}"
        )


def _require_frozen(night: Night) -> None:
    """Raise `ConfigError` where a rule set that an edition was published under was changed since."""
    if problems := moved(night.ledger, PROJECT_DIR / "dbt_project"):
        raise ConfigError(
            f"a published rule set was changed, so nothing was built: {in_one_line(problems)}.",
            "dbt_project/seeds/rulesets",
            f"put the rows back (jifen ruleset diff {problems[0].ruleset_id} --published), then jifen run; only then "
            f"begin a new rule set for the change, which copies the rows as they stand: "
            f"jifen ruleset new {problems[0].ruleset_id} NEW_ID --from DAY",
        )


def inputs_of(supplied: Sequence[Supplied], decisions: Sequence[IdentityDecision]) -> tuple[InputBatch, ...]:
    """What an edition is made of, as its manifest and the digest of its recipe have it."""
    return (*(_as_input(one) for one in supplied), *_decided(decisions))


def _as_input(one: Supplied) -> InputBatch:
    same = {part.name: getattr(one, part.name) for part in fields(InputBatch) if part.name != "rows_refused"}
    return InputBatch(**same, rows_refused=len(one.refused))


def _decided(decisions: Sequence[IdentityDecision]) -> Iterator[InputBatch]:
    """The identity decisions as an input of their own; no input where there are none."""
    if decisions:
        yield InputBatch(
            source=DECISIONS[0],
            dataset=DECISIONS[1],
            is_supplied=True,
            batches=(),
            content_sha256=decisions_sha256(decisions),
            rows_landed=len(decisions),
            rows_refused=0,
            learned_on=max(one.decided_on for one in decisions),
            is_stale=False,
            reason=None,
        )


def _send_all_pending(night: Night, steps: Steps, report: Report) -> tuple[str, ...]:
    """Deliver and notify all that is pending in the ledger, also from earlier nights; answers what still is."""
    log.debug("deliver and notify")
    today = night.settings.today.isoformat()
    # Answers first: a package that was rejected is a gap of the one composed now, which must not follow it.
    report["acks"] = acks = collect_acks(night)
    queue_due(night.ledger, recipients(night.sinks), current_id(night.ledger), today)
    report["deliveries"] = steps.deliver(night)
    owed = {line["recipient"] for line in report["deliveries"] if line["state"] != "sent"}
    # A recipient that is away is owed its package too; one whose folder for answers cannot be read is not.
    wrong = [
        one for one in acks if one["state"] == "wrong" or (one["state"] == "unread" and one["recipient"] not in owed)
    ]
    late = late_answers(night.ledger, night.settings.today)
    report["late_acks"] = late + [f"{line['recipient']}: {line['error']}" for line in wrong]
    report["notices"] = steps.notify(night)
    return tuple(sent["recipient"] for sent in report["deliveries"] + report["notices"] if sent["state"] != "sent")
