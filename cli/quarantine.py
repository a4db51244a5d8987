"""`jifen quarantine`: the records that were refused; look at them, land them after a correction, or discard them."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show
from cli.command import (
    Installation,
    Json,
    date_of_decision,
    day_option,
    misused,
    new_group,
    open_installation,
    operator,
    require_known,
    text_given,
)
from connectors.quarantine import OPEN_STATES, Filter, Quarantined, place_of, quarantined, raw_line, twins, why_closed
from connectors.reasons import explain, read_reasons
from connectors.spec import Dataset
from ledger.quarantine import Decision, decide, run_of_batch

if TYPE_CHECKING:
    from flows.replay import Replayed

app = new_group()

SourceName = Annotated[str | None, typer.Option("--source", help="Records of this source.")]
DatasetName = Annotated[
    str | None, typer.Option("--dataset", help="Records of this dataset, as loans or bank_a.loans.")
]
Reason = Annotated[str | None, typer.Option("--reason", help="Records refused for this reason code or rule.")]
Ids = Annotated[list[str], typer.Argument(help="Record ids, from `jifen quarantine list`.")]
SomeIds = Annotated[list[str] | None, typer.Argument(help="Record ids, from `jifen quarantine list`.")]

AsOf = Annotated[
    date | None, day_option("Counts from this business date on; today otherwise. Not before current.", "--as-of")
]


@app.command("list")
def list_records(
    source: SourceName = None,
    dataset: DatasetName = None,
    reason: Reason = None,
    batch: Annotated[str | None, typer.Option(help="Records last met in this batch.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too, with the reason.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Lines to print; --json prints all.")] = 200,
    as_json: Json = False,
) -> None:
    """List the open refused records: not landed since, not replayed, not discarded."""
    here = open_installation()
    found = _records(here, Filter(source, dataset, reason, batch))
    if not everything:
        found = [one for one in found if one.state == "standing"]
    if as_json:
        show.show_json([_without_content(one) for one in found])
        return
    if not found:
        show.console.print("no open record in quarantine" if not everything else "quarantine is empty")
        return
    declared = _declared(here)
    show.show_table(
        f"Quarantine 隔离: {len(found)}",
        ("id", "dataset", "state", "learned", "place", "key", "reasons"),
        [_line(one, declared.get(one.address)) for one in found[:limit]],
        whole=("id", "dataset"),
    )
    if len(found) > limit:
        show.console.print(f"… and {len(found) - limit} more: --limit, --source, --reason, or --json")
    show.console.print(f"Next: jifen quarantine show {found[0].record_id}")


def _declared(here: Installation) -> dict[str, Dataset]:
    return {dataset.address: dataset for source in here.sources for dataset in source.datasets}


def _line(one: Quarantined, dataset: Dataset | None) -> tuple[str, ...]:
    reasons = ", ".join(dict.fromkeys(fault["rule"] for fault in one.faults))
    place = f"{one.label} {place_of(dataset, one.position)}"
    key = " / ".join("?" if part is None else part for part in one.key)
    cells = (one.record_id, one.address, one.state, one.learned_on, place, key, reasons)
    return tuple(cell.replace("\n", " ") for cell in cells)


def _without_content(one: Quarantined) -> dict[str, Any]:
    fields = asdict(one)
    del fields["content"]
    return fields


@app.command("show")
def show_record(record: Annotated[str, typer.Argument(help="A record id.")], as_json: Json = False) -> None:
    """Show one refused record: what was sent, where it stood, what is wrong with it, what was decided."""
    here = open_installation()
    ((one,), _) = _by_id(here, [record])
    sent = raw_line(here.settings.data_dir, one)
    run = run_of_batch(here.ledger, one.source, one.dataset, one.batch)
    following = _next_step(one)
    if as_json:
        show.show_json({**_without_content(one), "record": sent, "run": run, "next": following})
        return
    facts = {
        "record": one.record_id,
        "state": one.state,
        "dataset": one.address,
        "place": f"{one.label} {place_of(_declared(here).get(one.address), one.position)}",
        "raw sha256": one.raw_sha256,
        "batch": f"{one.batch}, run {run or 'unknown'}",
        "learned on": one.learned_on,
        "states itself": f"code {one.uscc or 'none'}, name {one.name or 'none'}, key {', '.join(map(str, one.key))}",
    }
    show.show_facts(facts.items())
    show.show_rows("Faults 问题", one.faults, ("reason", "rule", "column", "value", ("effect", "action")))
    for reason in dict.fromkeys(fault["reason"] for fault in one.faults):
        words = explain(reason)
        show.console.print(f"{reason}: {words.zh}：{words.do_zh}\n  {words.en}: {words.do_en}", soft_wrap=True)
    show.console.print("As it was sent 原始记录:")
    show.show_json(sent)
    if one.decision:
        made = one.decision
        decision = (
            f"{made['action']} by {made['decided_by']} at {made['decided_at']} as of {made['as_of']}: {made['why']}"
        )
        show.console.print(f"decided: {show.safe(decision)}")
    show.console.print(f"Next: {following}")


def _next_step(one: Quarantined) -> str:
    if one.state in OPEN_STATES:
        return (
            f"tell the agency about it; or fix connectors/sources/{one.source}.yml and "
            f"jifen quarantine replay {one.record_id}; or jifen quarantine discard {one.record_id} --why TEXT"
        )
    if one.state == "value_repaired":
        return "tell the agency; the record landed with the code that was meant"
    if one.state == "value_discarded":
        return f"tell the agency; correct connectors/sources/{one.source}.yml; the value comes with the next delivery"
    return "nothing to do"


@app.command("discard")
def discard(
    ids: Ids,
    why: Annotated[str, typer.Option("--why", help="Why; kept in the ledger.")],
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Discard records: they are closed; who, when and why are recorded."""
    why = text_given(why, hint="give a reason for discarding.")
    here = open_installation()
    chosen, held = _by_id(here, ids)
    day = date_of_decision(here, as_of)
    open_ones = [one for one in chosen if one.state in OPEN_STATES]
    # The same record delivered on other pages has other ids: all of them are discarded.
    meant = {one.record_id: one for chosen_one in open_ones for one in (chosen_one, *twins(held, chosen_one))}
    made = [
        Decision(one.record_id, one.source, one.dataset, "discarded", why, operator())
        for one in meant.values()
        if one.decision is None
    ]
    new = decide(here.ledger, made, day)
    lines: list[dict[str, Any]] = [
        {"record_id": one.record_id, "discarded": True, "told": "discarded"}
        if one.record_id in new
        else {"record_id": one.record_id, "discarded": False, "told": why_closed(one)}
        for one in chosen
    ]
    copies = len(new) - sum(line["discarded"] for line in lines)
    if as_json:
        show.show_json({"as_of": day, "records": lines, "copies_discarded": copies})
        return
    for line in lines:
        show.console.print(f"{line['record_id']} {show.safe(line['told'])}")
    if copies:
        show.console.print(f"and {copies} other deliveries of the same records")


@app.command("replay")
def replay_records(
    ids: SomeIds = None,
    source: SourceName = None,
    dataset: DatasetName = None,
    reason: Reason = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Read refused records again with the present source files and land those that pass. Exit 1: some do not."""
    from flows.replay import replay_chosen

    if not ids and source is dataset is reason is None:
        misused("name records, or --source, --dataset or --reason.")
    here = open_installation()
    if ids:
        _by_id(here, ids)
    wanted = Filter(source, dataset, reason, ids=frozenset(ids) if ids else None)
    # A closed record that is named is reported as closed; a filter chooses open ones alone.
    chosen = [one for one in _records(here, wanted) if ids or one.state == "standing"]
    day = date_of_decision(here, as_of)
    report = replay_chosen(here.settings, here.ledger, here.sources, chosen, day, operator())
    if as_json:
        show.show_json({"as_of": day, **vars(report)})
    else:
        _show_replay(report)
    raise typer.Exit(0 if report.is_clean else 1)


def _show_replay(report: "Replayed") -> None:
    for line in report.skipped:
        show.console.print(f"{line['record_id']} {show.safe(line['told'])}")
    for name, count in report.landed.items():
        show.console.print(f"{show.safe(name)}: {count} landed")
    for message in report.errors:
        show.errors.print(f"[red]failed[/] {show.safe(message)}")
    if report.still_refused:
        columns = (("id", "record_id"), "dataset", ("reasons", "rules"))
        show.show_rows("Still refused 仍被拒绝", report.still_refused, columns)


def _records(here: Installation, wanted: Filter) -> list[Quarantined]:
    """The refused records that are asked for; a name that no source or dataset has is a usage error."""
    found = quarantined(here.sources, here.ledger, here.settings, here.settings.today, wanted)
    if not found:
        _require_known(here, wanted)
    return found


def _require_known(here: Installation, wanted: Filter) -> None:
    datasets = sorted(_declared(here))
    require_known("source", [wanted.source], (source.name for source in here.sources))
    if wanted.dataset not in {address.partition(".")[2] for address in datasets}:
        require_known("dataset", [wanted.dataset], datasets)
    if wanted.reason is not None and ":" not in wanted.reason:
        rules = (rule.name for dataset in _declared(here).values() for rule in dataset.rules)
        require_known("reason", [wanted.reason], (*read_reasons(), *rules))


def _by_id(here: Installation, ids: Iterable[str]) -> tuple[list[Quarantined], list[Quarantined]]:
    """The records of these ids in their order, and all there are; an unknown id is a usage error."""
    held = _records(here, Filter())
    by_id = {one.record_id: one for one in held}
    asked = list(dict.fromkeys(ids))
    if unknown := [name for name in asked if name not in by_id]:
        misused(f"no record {', '.join(unknown)}. Next: jifen quarantine list --all")
    return [by_id[name] for name in asked], held
