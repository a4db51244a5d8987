"""What a proposal would do: the day built twice from the same inputs, by today's rules and by the proposed ones."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from connectors.errors import ConfigError
from connectors.identity_decisions import known_on, read_decisions
from connectors.inputs import lay_out, resolve
from connectors.source_files import read_sources
from connectors.stored import Store, require_stored
from connectors.zone import read_zone
from editions.build import PARSE_CACHE, BuildError, build_upon
from editions.candidate import Candidate, candidates_dir, new_candidate
from editions.programme import load_programme, programme_problems, read_programme
from editions.ruleset_problems import in_one_line
from editions.score.ruleset import Ruleset, load, read_folder, read_seeds
from editions.score.run import Place, problems_of
from editions.score.work_folder import work_folder
from editions.simulation import compare, require_new
from flows.night import Night
from flows.past import known_then, why_unknown
from flows.texts import counted
from ledger.publications import current_id, current_row
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger

MODELS = ("resource_type:model", "resource_type:test")
Found = Mapping[str, list[dict[str, Any]]]


def simulate(
    settings: Settings, out: Path, *, ruleset: Path | None, parameters: Path | None, as_of: date | None
) -> Found:
    """Build a day by today's rules and by the proposed ones, and write what differs into the folder `out`.

    `ruleset` is a folder of a rule set, `parameters` one of files of `seeds/programme`; what is left out stays as it
    is. The day is the current edition's otherwise. Nothing is published, sent or kept but `out`. Raises `ConfigError`
    for a proposal with a wrong row, and for a day of which too little is known.
    """
    require_new(out)
    ledger = open_ledger(settings)
    project = PROJECT_DIR / "dbt_project"
    proposed = None if ruleset is None else read_folder(ruleset)
    _require_sound(settings, proposed, parameters, project)
    sources = tuple(read_sources())
    day = as_of or _day_of_current(ledger)
    night = Night("", day, settings, ledger, sources, (), read_zone(settings.zone_file, sources))
    known = known_then(night)
    if unknown := why_unknown(ledger, known, day):
        raise ConfigError(unknown, str(settings.data_dir), "jifen simulate --as-of DAY")
    require_stored(sources, Store(settings, ledger, night.zone, {}), day)
    supplied = resolve(sources, known, ledger, settings, day)
    night = replace(night, decisions=known_on(read_decisions(settings.data_dir, sources), day))
    cache = candidates_dir(settings.data_dir) / PARSE_CACHE
    with work_folder(Path(tempfile.gettempdir()), "jifen-simulate-") as folder:

        def built(name: str, by: Ruleset | None, seeds: Path | None) -> Path:
            candidate = new_candidate(folder, name)
            lay_out(candidate.inputs, sources, supplied, settings.data_dir, night.decisions)
            _load_rules(candidate, project, by, seeds)
            try:
                build_upon(
                    *(candidate, day, PROJECT_DIR, cache, MODELS),
                    ruleset_id=by.name if by else "",
                    next_step="Fix the proposal, then `jifen simulate` again",
                )
            except BuildError:
                if seeds is not None:
                    require_cases(candidate.warehouse, seeds)
                raise
            return candidate.warehouse

        head = {
            "as_of": day.isoformat(),
            "ruleset": str(ruleset) if ruleset else "today's",
            "parameters": str(parameters) if parameters else "today's",
            "inputs": {f"{one.source}.{one.dataset}": one.content_sha256 for one in supplied},
            "edition": current_id(ledger),
        }
        return compare(built("today", None, None), built("proposed", proposed, parameters), out, head)


_OTHER_THAN_STATED = """
select kind || ' ' || item_id || ' case ' || case_no || ': ' || expected || ' stated, '
    || coalesce(decision, 'nothing') || ' found'
    || case when kind = 'product' and limit_fen is distinct from expected_limit_fen
        then ', limit in fen ' || coalesce(cast(expected_limit_fen as varchar), 'none') || ' stated, '
            || coalesce(cast(limit_fen as varchar), 'none') || ' found'
        else '' end
from cases_decided
where decision is distinct from expected or (kind = 'product' and limit_fen is distinct from expected_limit_fen)
order by all
"""


def require_cases(warehouse: Path, proposal: Path) -> None:
    """Raise a `ConfigError` that names each shipped case that the proposal decides otherwise than is stated."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        try:
            found = [str(text) for (text,) in connection.execute(_OTHER_THAN_STATED).fetchall()]
        except duckdb.CatalogException:
            return
    if found:
        raise ConfigError(
            f"the proposal decides {counted(len(found), 'case')} otherwise than stated: {'; '.join(found)}.",
            str(proposal),
            "put what is right into its programme_cases.csv (a copy of the whole file), then `jifen simulate` again",
        )


def _day_of_current(ledger: Any) -> date:
    row = current_row(ledger)
    if row is None:
        raise ConfigError("there is no edition to simulate beside.", "the ledger", "jifen run, or give --as-of")
    return date.fromisoformat(row["as_of"])


def _require_sound(settings: Settings, ruleset: Ruleset | None, parameters: Path | None, project: Path) -> None:
    problems = [] if ruleset is None else problems_of(ruleset, Place(PROJECT_DIR, settings.data_dir), is_asked=False)
    problems += programme_problems(project, parameters)
    if ruleset is None and parameters is None:
        raise ConfigError("nothing is proposed.", "--ruleset, --parameters", "give one of them, or both")
    if problems:
        raise ConfigError(
            f"the proposal has {counted(len(problems), 'problem')}, so nothing was built: {in_one_line(problems)}.",
            str(ruleset.origin if ruleset else parameters),
            "fix the rows, then `jifen simulate` again",
        )


def _load_rules(candidate: Candidate, project: Path, ruleset: Ruleset | None, parameters: Path | None) -> None:
    """Put the seeds' tables into the candidate's warehouse: the project's own, with the proposal in their place."""
    own = read_seeds(project)
    if ruleset is not None:
        tables = {
            table: [*(row for row in rows if row["ruleset_id"] != ruleset.name), *ruleset.tables[table]]
            for table, rows in own.tables.items()
        }
        own = replace(own, tables=tables)
    with duckdb.connect(str(candidate.warehouse)) as connection:
        load(connection, own)
        load_programme(connection, read_programme(project, parameters), project)
