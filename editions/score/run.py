"""`jifen score`: a rule set and a table of values in, points, ranks and reasons out, by the models of the night."""

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from editions.build import PARSE_CACHE, BuildError, build_upon
from editions.candidate import Candidate, candidates_dir, new_candidate
from editions.ruleset_problems import Problem, problems_in
from editions.score.columns import columns_of
from editions.score.errors import ScoreError
from editions.score.given import read_given
from editions.score.out import WrittenTables, draft_beside, write_out
from editions.score.ruleset import Ruleset, load, read_folder, read_seeds
from editions.score.values import Loaded, load_values
from editions.score.work_folder import keep, work_folder

SCORING = ("tag:scoring", "path:models/rulesets", "int_enterprises__staged")


@dataclass(frozen=True)
class Place:
    """The folder of the models, and the data folder that keeps dbt's parse between calls."""

    project_dir: Path
    data_dir: Path

    @property
    def dbt_project(self) -> Path:
        """The dbt project of the checkout."""
        return self.project_dir / "dbt_project"


class RulesetProblemsError(ScoreError):
    """A rule set has faulty rows; `problems` has all of them."""

    def __init__(self, ruleset: Ruleset, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        self.more = {"problems": [asdict(one) for one in problems]}
        first = self.problems[0]
        checked = shlex.quote(str(ruleset.origin) if ruleset.is_folder else ruleset.name)
        super().__init__(
            f"the rule set {ruleset.name} has problems ({len(self.problems)}), the first: "
            f"{first.file} [{first.row_key}] {first.problem_en}.",
            str(ruleset.origin),
            f"fix the rows named, then `jifen ruleset check {checked}`",
            "config",
        )


@dataclass(frozen=True)
class Scored:
    """The result of a call: the files written, the numbers ranked and not ranked, what the file of values lacked."""

    out: Path
    ruleset_id: str
    loaded: Loaded
    written: WrittenTables


def read_ruleset(named: str, place: Place) -> Ruleset:
    """The rule set of this name: a folder where there is one, else one of the project's."""
    folder = Path(named).expanduser()
    return read_folder(folder) if folder.is_dir() else read_seeds(place.dbt_project, named)


def problems_of(ruleset: Ruleset, place: Place, *, is_asked: bool | None = None) -> list[Problem]:
    """Every faulty row of a rule set, or of all the project's.

    `is_asked` is True where the call supplies the values of indicators, so that no model need measure them; by default
    it is True for a folder.
    """
    with duckdb.connect() as connection:
        load(connection, ruleset)
        return _problems(connection, ruleset, place, is_asked=ruleset.is_folder if is_asked is None else is_asked)


def _problems(
    connection: duckdb.DuckDBPyConnection, ruleset: Ruleset, place: Place, *, is_asked: bool
) -> list[Problem]:
    found = problems_in(connection, place.dbt_project, is_asked=is_asked)
    return sorted(replace(one, file=ruleset.file_of(one.file)) for one in found)


def score(
    named: str, values: Path, out: Path | None, place: Place, *, as_of: date | None = None, ignore: Sequence[str] = ()
) -> Scored:
    """Score the file `values` by the rule set `named`, and write the results into the folder `out`.

    The default of `out` is `<stem>-scored` in the current folder. Nothing is written unless all of it can be. Raises
    `ScoreError`, of a rule set with problems `RulesetProblemsError`, and `BuildError` where the models themselves fail.
    """
    out = out or Path(f"{values.stem}-scored")
    with draft_beside(out) as draft, _workshop() as candidate:
        ruleset = read_ruleset(named, place)
        with duckdb.connect(str(candidate.warehouse)) as connection:
            load(connection, ruleset)
            # Codes become names of columns, so the rule set is checked before SQL is made of it.
            if problems := _problems(connection, ruleset, place, is_asked=True):
                raise RulesetProblemsError(ruleset, problems)
            given = read_given(connection, values)
            columns = columns_of(given, ruleset.codes(), ignore)
            loaded = load_values(connection, given, columns, ruleset, as_of)
        again = ["jifen", "score", "--ruleset", named, "--values", str(values), "--out", str(out)]
        again += ["--as-of", as_of.isoformat()] if as_of else []
        again += ["--ignore", ",".join(ignore)] if ignore else []
        _build(candidate, loaded.as_of, ruleset, place, shlex.join(again))
        written = write_out(candidate, draft, columns.id, ruleset, given.path, loaded)
    return Scored(out, ruleset.name, loaded, written)


@contextmanager
def _workshop() -> Iterator[Candidate]:
    """A fresh folder laid out as a night's candidate, removed when the work is done or has failed.

    Where the models failed, dbt's output and SQL are kept, without the values; the error names the folder.
    """
    with work_folder(Path(tempfile.gettempdir()), "jifen-score-") as folder:
        candidate = new_candidate(folder, "score")
        try:
            yield candidate
        except BuildError as error:
            warehouse = candidate.path.glob(f"{candidate.warehouse.name}*")
            for leftover in (*warehouse, *filter(Path.is_file, candidate.target.iterdir())):
                leftover.unlink()
            keep(folder)
            raise BuildError(f"{error} Kept for inspection, to be removed by hand: {folder}.", error.report) from None


def _build(candidate: Candidate, day: date, ruleset: Ruleset, place: Place, again: str) -> None:
    """Build the scoring models over the loaded tables, by a rule set that was checked."""
    # The parse is kept beside that of the nights or not at all: a call leaves nothing behind but its output.
    nights = candidates_dir(place.data_dir)
    cache = (nights if nights.is_dir() else candidate.path.parent) / PARSE_CACHE
    build_upon(
        candidate,
        day,
        place.project_dir,
        cache,
        SCORING,
        # The named rule set, whatever days it is meant for.
        ruleset_id=ruleset.name,
        whose=f"the project, since the rule set {ruleset.name} was found sound",
        next_step="Next: report it with the log; where the text above says what to change, change that, then "
        f"`{again}`.",
    )
