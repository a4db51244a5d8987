"""`jifen doctor`: is this installation fit for its next night; each finding has the line that fixes it."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import typer

from cli import doctor_files, doctor_prefect, show
from cli import doctor_installation as installation
from cli.command import Json
from cli.doctor_here import CheckFailedError, Here, NothingToCheckError
from flows.deployed import AUTOMATION, DEPLOYMENT, POOL, RUN, SLOTS
from flows.faults import sentence

OK, WARNING, WRONG, NOT_ASKED = "ok", "warning", "wrong", "not asked"
COLOURS = {OK: "green", WARNING: "yellow", WRONG: "red", NOT_ASKED: "dim"}


@dataclass(frozen=True)
class Check:
    """A row of the table: what is checked, the line that fixes it, the checks that have to pass first.

    `look` answers what it found, and raises `CheckFailedError` where that is wrong. `severity` is the state of a failed
    check; with a `WARNING` the night can still run.
    """

    name: str
    look: Callable[[Here], str]
    mend: str
    after: tuple[str, ...] = ()
    severity: str = WRONG


@dataclass(frozen=True)
class Finding:
    """What one check found; `mend` is the command or the step that fixes it, None where there is nothing to do."""

    name: str
    state: str
    found: str
    mend: str | None = None


def _as_ours(good: str, *kinds: str) -> Callable[[Here], str]:
    return partial(doctor_prefect.as_ours, kinds=kinds, good=good)


def _goes_on(*starts: str, others: bool = False) -> Callable[[Here], str]:
    return partial(doctor_files.goes_on, starts=starts, others=others)


_SET = ("settings",)
_FOLDER = (*_SET, "data_folder")
_LEDGER = (*_FOLDER, "ledger")
_FILES = (*_SET, "sources", "sinks", "zone")
_SERVER = ("prefect_api",)

CHECKS = (
    Check("python", installation.python, "install that Python, then make setup"),
    Check("libraries", installation.libraries, "make setup"),
    Check("settings", installation.settings, "fix it in the environment or in .env (.env.example)"),
    Check("env_file", installation.env_file, "chmod 600 .env"),
    Check("umask", installation.umask, "umask 027, in the shell or unit that starts jifen", severity=WARNING),
    Check("time_zone", installation.time_zone, "set JIFEN_TIME_ZONE, or timezone in prefect.yaml, to the other", _SET),
    Check(
        "analytics",
        installation.analytics,
        "set DO_NOT_TRACK=1 and PREFECT_SERVER_ANALYTICS_ENABLED=false in .env",
        severity=WARNING,
    ),
    Check("data_folder", installation.data_folder, "mkdir -m 700 {data_dir}, or set JIFEN_DATA_DIR", _SET),
    Check("data_folder_owner", installation.owner, "run jifen as its owner, or: chown -R $USER {data_dir}", _FOLDER),
    Check("data_folder_mode", installation.mode, "chmod go-rwx {data_dir}, or jifen run, which does", _FOLDER),
    Check("readers_group", installation.readers_group, "make the group (groupadd), or fix JIFEN_READERS_GROUP", _SET),
    Check(
        "one_file_system", installation.one_file_system, "move it into {data_dir} itself: no mount, no link", _FOLDER
    ),
    Check(
        "free_space", installation.free_space, "jifen retention --apply, or add disk space below {data_dir}", _FOLDER
    ),
    Check("space_trend", installation.space_trend, "add disk space below {data_dir}", _FOLDER, WARNING),
    Check("ledger", installation.ledger, "restore it from its backup, or fix JIFEN_LEDGER_URL", _FOLDER),
    Check("clock", installation.clock, "set the clock of this machine: timedatectl set-ntp true", _LEDGER),
    Check("ledger_bound", installation.ledger_bound, "jifen ledger bind --why TEXT, if they belong together", _LEDGER),
    Check("journal", installation.journal, "jifen ledger verify; restore the ledger from its backup", _LEDGER),
    Check("lock", installation.lock, "end the processes that it left: fuser -v {data_dir}/run.lock", _FOLDER),
    Check("dead_runs", installation.dead_runs, "jifen run, which closes them and goes on", _LEDGER),
    Check("current_edition", installation.current_edition, "jifen edition verify; restore its folder", _LEDGER),
    Check("signing_key", installation.signing_key, "set JIFEN_SIGNING_KEY_FILE right, or jifen key new", _SET),
    Check("public_keys", installation.public_keys, "fix JIFEN_PUBLIC_KEY_FILE: jifen key show", (*_SET, "signing_key")),
    Check("approvers", installation.approvers, "fix the file JIFEN_APPROVERS_FILE names: name: KEY on each line", _SET),
    Check("sources", doctor_files.sources, "fix that file, then jifen source check"),
    Check("sinks", doctor_files.sinks, "fix that file, then jifen sink check"),
    Check(
        "sink_columns",
        doctor_files.sink_columns,
        "put each column under fields or omitted: jifen sink check",
        ("sinks",),
    ),
    Check("zone", doctor_files.zone, "fix the file JIFEN_ZONE_FILE names, then jifen source check", (*_SET, "sources")),
    Check(
        "variables",
        doctor_files.variables,
        "set them in .env (.env.example), then jifen source check; to try it on made-up agencies: jifen sandbox up, "
        "which writes them to data/sandbox/ready.env (make demo sets them for its own night alone)",
        _FILES,
    ),
    Check("gpg", doctor_files.gpg, "apt-get install gnupg", ("sinks",)),
    Check(
        "key_files", doctor_files.key_files, "put the key there, chmod 600 it: docs/banks.md, keys", (*_FILES, "gpg")
    ),
    Check("keys_expire", doctor_files.keys_expire, "docs/banks.md, keys", (*_FILES, "gpg", "key_files"), WARNING),
    Check(
        "operators",
        doctor_files.operators,
        "set OPERATORS_WEBHOOK_URL and OPERATORS_WEBHOOK_SECRET in .env",
        ("sinks",),
        WARNING,
    ),
    Check("suites", doctor_files.suites, "fix that suite in expectations/suites"),
    Check("change_limits", doctor_files.change_limits, "fix connectors/change_limits.yml and first_limits.yml"),
    Check("retention", doctor_files.retention, "fix flows/retention.yml"),
    Check("columns", doctor_files.columns, "complete its row in dbt_project/columns.csv"),
    Check("rule_sets", doctor_files.rule_sets, "fix the rows, jifen ruleset check", _SET),
    Check(
        "published_rule_sets",
        doctor_files.published_rule_sets,
        "jifen ruleset diff ID --published; put the rows back",
        _LEDGER,
    ),
    Check("programme", doctor_files.programme, "fix the rows, jifen programme check", _SET),
    Check("rule_set_ends", _goes_on("rulesets"), "jifen ruleset new OLD NEW --from DAY", _SET, WARNING),
    Check(
        "parameters_end",
        _goes_on("rulesets", "reference_rates", "calendar", others=True),
        "add the next version of these rows in dbt_project/seeds/programme",
        _SET,
        WARNING,
    ),
    Check(
        "reference_rates",
        _goes_on("reference_rates"),
        "add the published rate to dbt_project/seeds/programme/reference_rates.csv",
        _SET,
        WARNING,
    ),
    Check(
        "working_days",
        _goes_on("calendar"),
        "add the published year to dbt_project/seeds/programme/working_years.csv",
        _SET,
        WARNING,
    ),
    Check("dbt_parse", doctor_files.dbt_parse, "make parse", _SET, WARNING),
    Check("schedule", doctor_files.schedule, "fix prefect.yaml"),
    Check(
        "prefect_api", doctor_prefect.prefect_api, "start the server, or unset PREFECT_API_URL", (*_FILES, "schedule")
    ),
    Check("prefect_server", doctor_prefect.prefect_server, "start it as docs/operating.md says", _SERVER, WARNING),
    Check("work_pool", _as_ours("there", POOL), "jifen deploy", _SERVER),
    Check("worker", doctor_prefect.worker, ".venv/bin/prefect worker start --pool nightly", _SERVER),
    Check("deployments", _as_ours("as prefect.yaml and the source files say", DEPLOYMENT), "jifen deploy", _SERVER),
    Check("automation", _as_ours("there", AUTOMATION), "jifen deploy", _SERVER, WARNING),
    Check("prefect_runs", _as_ours("none is held by what is dead", RUN, SLOTS), "jifen deploy", _SERVER, WARNING),
)
"""Every check, by a name that stays."""


def doctor(as_json: Json = False) -> None:
    """Check the installation, and say of each fault how to fix it. Nothing is changed or sent.

    Exit code 0, or 1 where something is wrong; with warnings alone a night can run.
    """
    here = Here()
    with here.opened():
        findings = list(examine(here, CHECKS))
    if as_json:
        show.show_json([asdict(one) for one in findings])
    else:
        for one in findings:
            show.console.print(f"[{COLOURS[one.state]}]{one.state:<9}[/] {one.name:<19} {show.safe(one.found)}")
            if one.mend:
                show.console.print(f"{'':<29} fix: {show.safe(one.mend)}")
        counts = Counter(one.state for one in findings)
        show.console.print(f"{len(findings)} checks: {', '.join(f'{counts[state]} {state}' for state in COLOURS)}")
    raise typer.Exit(any(one.state == WRONG for one in findings))


def examine(here: Here, checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """What each check finds, in their order. One that needs an earlier one which did not pass is skipped."""
    failed: set[str] = set()
    for check in checks:
        finding = _finding(check, here, failed)
        if finding.state in (WRONG, WARNING):
            failed.add(check.name)
        yield finding


def _finding(check: Check, here: Here, failed: set[str]) -> Finding:
    if first := [name for name in check.after if name in failed]:
        return Finding(check.name, NOT_ASKED, f"fix {', '.join(first)} first")
    try:
        return Finding(check.name, OK, check.look(here))
    except NothingToCheckError as reason:
        return Finding(check.name, NOT_ASKED, str(reason))
    except CheckFailedError as error:
        found = str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, this check did not pass and the others still run
        found = sentence(error)
    return Finding(check.name, check.severity, found, check.mend.format(data_dir=shlex.quote(str(here.data_dir))))
