"""The checks of `jifen doctor` on the files that staff edit, the variables and keys they name, and their last days."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cli.doctor_here import CheckFailedError, Here, NothingToCheckError
from cli.sink_check import check_sinks
from cli.status import expiring_keys, next_night
from connectors.change_limits import ChangeLimits
from connectors.drivers.retry import TryAgainError, budget, within
from connectors.first_batch import FirstLimits
from connectors.openpgp import ENCRYPT, SIGN, usable
from connectors.sink_files import ExtractSink, NoticeSink, Sealing, alert_channels
from connectors.spec import Dataset, FolderConnection, SftpConnection
from editions.build import PARSE_CACHE
from editions.candidate import candidates_dir
from editions.ending import WITHIN_DAYS, ending
from editions.parse_cache import PARSE, kept_parse
from editions.programme import programme_problems
from editions.ruleset_diff import moved
from editions.ruleset_problems import Problem, in_one_line
from editions.score.ruleset import read_seeds
from editions.score.run import Place, problems_of
from expectations.suites import load_suites
from flows.retention import read_policy
from flows.texts import counted
from ledger.env_file import open_to_others
from ledger.files import names_a_file, read_csv
from ledger.yaml_file import read_yaml

# What banks run (docs/decisions/0018): what this one cannot open, they cannot either.
GPG_LEAST = (2, 2)
SHOWN = 8
FOLDER_SECONDS = 5.0


def sources(here: Here) -> str:
    """Every source file can be read."""
    return f"{counted(len(here.sources), 'source')}, {sum(len(one.datasets) for one in here.sources)} datasets"


def sinks(here: Here) -> str:
    """Every sink file can be read."""
    return counted(len(here.sinks), "recipient")


def sink_columns(here: Here) -> str:
    """Of each extract every column is sent or left out on purpose."""
    lines = check_sinks(here.sinks)
    if failed := [line["message"] for line in lines if line["state"] == "failed"]:
        raise CheckFailedError("; ".join(failed))
    return f"{counted(len(lines), 'bank')}, every column decided"


def zone(here: Here) -> str:
    """The zone file can be read, and names only what source files have."""
    if here.settings.zone_file is None:
        raise NothingToCheckError("JIFEN_ZONE_FILE not set: every dataset is expected")
    return f"{here.settings.zone_file}, {len(here.zone.not_supplied)} not supplied"


def variables(here: Here) -> str:
    """Every variable that a source or a recipient names is set, and a folder's is there; the value is never shown."""
    wanted = {source.name: source.variables() for source in here.sources if _is_supplied(here, source.datasets)}
    channels = alert_channels(here.sinks, here.environ)
    for sink in here.sinks:
        if not (isinstance(sink, NoticeSink) and sink.kind == "alert") or sink in channels:
            wanted.setdefault(sink.name, []).extend(sink.variables())
    named = {name for names in wanted.values() for name in names}
    if missing := sorted(name for name in named if not here.environ.get(name)):
        who = sorted(one for one, names in wanted.items() if not set(names).isdisjoint(missing))
        raise CheckFailedError(f"not set: {', '.join(missing)}; needed by {', '.join(who)}")
    folders = {
        one.connection.path.env
        for one in here.sources
        if isinstance(one.connection, FolderConnection) and one.name in wanted
    }
    if gone := sorted(name for name in folders if not _is_folder(Path(here.environ[name]))):
        raise CheckFailedError(f"no folder of this machine, or a share that is not mounted: {', '.join(gone)}")
    return f"{len(named)} set"


def _is_folder(path: Path) -> bool:
    """Whether a folder is there; a mount that does not answer is none."""
    try:
        with budget(FOLDER_SECONDS):
            return within(path.is_dir, "the folder is silent")
    except TryAgainError:
        return False


def _is_supplied(here: Here, datasets: Iterable[Dataset]) -> bool:
    return any(here.zone.why_not_supplied(dataset) is None for dataset in datasets)


def gpg(here: Here) -> str:
    """The program that seals packages is there, and new enough."""
    if not _sealed(here):
        raise NothingToCheckError("no recipient gets sealed packages")
    program = shutil.which("gpg", path=here.environ.get("PATH"))
    if program is None:
        raise CheckFailedError("gpg is not installed")
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60).stdout
    version = re.search(r"(\d+)\.(\d+)\.\d+", printed)
    if version is None or tuple(map(int, version.groups())) < GPG_LEAST:
        raise CheckFailedError(f"{program} says {printed.splitlines()[0] if printed else 'nothing'}; 2.2 is needed")
    return f"{program} {version[0]}"


def _sealed(here: Here) -> list[tuple[str, Sealing]]:
    return [(sink.name, sink.openpgp) for sink in here.sinks if isinstance(sink, ExtractSink) and sink.openpgp]


def key_files(here: Here) -> str:
    """Every key file that a variable names is there, and no other user can read or change it."""
    variables = {
        one.connection.key.env: one.name
        for one in (*here.sources, *here.sinks)
        if isinstance(one.connection, SftpConnection) and one.connection.key is not None
    }
    paths = []
    for name, who in variables.items():
        if not (path := here.environ.get(name)):
            continue
        paths.append(path)
        if not names_a_file(Path(path).expanduser()):
            raise CheckFailedError(f"the key file of {who}, which {name} is to name, is not there")
        if warning := open_to_others(Path(path).expanduser()):
            raise CheckFailedError(warning.partition(" Next:")[0])
    for who, sealing in _sealed(here):
        for variable, purpose in ((sealing.signing_key, SIGN), (sealing.recipient_keys, ENCRYPT)):
            if path := here.environ.get(variable.env):
                usable(Path(path).expanduser(), purpose, who, is_secret=purpose == SIGN)
                paths.append(path)
    if not paths:
        raise NothingToCheckError("no variable names a key file")
    return f"{counted(len(set(paths)), 'file')} for their owner alone"


def keys_expire(here: Here) -> str:
    """No OpenPGP key ends within 90 days."""
    if found := list(expiring_keys(here.sinks, here.environ)):
        raise CheckFailedError("; ".join(found))
    return f"none within {WITHIN_DAYS} days"


def operators(here: Here) -> str:
    """A bad night sends a message to the operators' channel."""
    channels = alert_channels(here.sinks, here.environ)
    if not channels:
        raise CheckFailedError("no operators' channel is set: a bad night sends no message")
    return ", ".join(sink.name for sink in channels)


def suites(here: Here) -> str:
    """The gate's suites can be read, and hold every check that an edition needs."""
    found, problems = load_suites(here.project / "expectations" / "suites")
    if problems:
        raise CheckFailedError("; ".join(problems))
    return f"{len(found)} suites, {sum(len(suite.checks) for suite in found)} checks"


def change_limits(here: Here) -> str:
    """The limits of nightly changes and of first deliveries can be read."""
    folder = here.project / "connectors"
    ChangeLimits.model_validate(read_yaml((folder / "change_limits.yml").read_bytes()))
    FirstLimits.model_validate(read_yaml((folder / "first_limits.yml").read_bytes()))
    return "read"


def retention(here: Here) -> str:
    """The retention policy can be read."""
    policy = read_policy(here.project / "flows" / "retention.yml")
    return ", ".join(f"{name} {days}" for name, days in policy.model_dump().items())[:200]


def columns(here: Here) -> str:
    """Each published column that is described is described in both languages, once."""
    found = read_csv(here.project / "dbt_project" / "columns.csv")
    rows = [(row["table"], row["column"], row["zh"], row["en"]) for row in found]
    faults = [f"{table}.{column}" for table, column, zh, en in rows if not (zh and zh.strip() and en and en.strip())]
    faults += sorted(".".join(one) for one, count in Counter(row[:2] for row in rows).items() if count > 1)
    if faults:
        raise CheckFailedError(f"twice, or without one of the languages: {', '.join(faults[:SHOWN])}")
    return f"{len(rows)} in Chinese and English"


def rule_sets(here: Here) -> str:
    """Points can be given by every rule set."""
    place = Place(here.project, here.data_dir)
    return _none_of(problems_of(read_seeds(place.dbt_project), place))


def published_rule_sets(here: Here) -> str:
    """A rule set that an edition was published under stands as it was."""
    return _none_of(moved(here.ledger, here.project / "dbt_project"))


def programme(here: Here) -> str:
    """Products, policies, subsidies, the risk pool and the market have no invalid row."""
    return _none_of(programme_problems(here.project / "dbt_project"))


def _none_of(problems: list[Problem]) -> str:
    if problems:
        raise CheckFailedError(in_one_line(problems))
    return "no invalid row"


def goes_on(here: Here, starts: tuple[str, ...], others: bool) -> str:
    """No parameter of these, or with `others` none but these, ends within 90 days without a row that follows it."""
    seeds = here.project / "dbt_project" / "seeds"
    found = ending(here.today, None, seeds / "programme", seeds / "rulesets" / "rulesets.csv")
    if ends := [line.partition(" Next:")[0] for _, line in found if line.startswith(starts) != others]:
        raise CheckFailedError(" ".join(ends))
    return f"beyond {WITHIN_DAYS} days"


def dbt_parse(here: Here) -> str:
    """Dbt's parse of the project is kept, and no older than the project: else the next build takes seconds longer."""
    project = here.project / "dbt_project"
    kept = [kept_parse(candidates_dir(here.data_dir) / PARSE_CACHE, here.project), project / "target" / PARSE]
    there = next((path for path in kept if path.is_file()), None)
    if there is None:
        raise CheckFailedError("none is kept: the next build parses the whole project")
    parsed = (path for part in ("models", "macros", "seeds", "tests") for path in (project / part).rglob("*.*"))
    if newer := [path for path in parsed if path.stat().st_mtime > there.stat().st_mtime]:
        raise CheckFailedError(f"older than {counted(len(newer), 'file')} of the project, {newer[0].name} among them")
    return str(there)


def schedule(here: Here) -> str:
    """The night has a time in prefect.yaml."""
    found = next_night(here.now, here.project / "prefect.yaml")
    if found is None:
        raise CheckFailedError("there is no prefect.yaml here, or no schedule in it that is active")
    return f"next night {found}"
