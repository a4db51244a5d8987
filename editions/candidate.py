"""A candidate: the folder of one run, which is published only after its gate has passed."""

from dataclasses import dataclass
from pathlib import Path

from editions.durable import remove_tree
from editions.places import NAME


@dataclass(frozen=True)
class Candidate:
    """The folder of one run: `inputs` in, `warehouse` and dbt's `target` out."""

    run_id: str
    path: Path

    @property
    def inputs(self) -> Path:
        """Where the models look for landed data: `<source>/<dataset>/*.parquet`."""
        return self.path / "inputs"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file. Its stem is the name of its catalog, which the views in it hold: never rename it."""
        return self.path / "candidate.duckdb"

    @property
    def target(self) -> Path:
        """Where dbt leaves its manifest and results."""
        return self.path / "target"

    @property
    def logs(self) -> Path:
        """Where dbt's output is kept."""
        return self.path / "logs"


def candidates_dir(data_dir: Path) -> Path:
    """Where the candidates of a data folder stand."""
    return data_dir / "candidates"


def new_candidate(data_dir: Path, run_id: str) -> Candidate:
    """Make the empty folder of a run. On a retry it is emptied first: a candidate is made whole or not at all."""
    if not NAME.fullmatch(run_id):
        raise ValueError(f"run id {run_id!r} cannot be the name of a folder")
    candidate = Candidate(run_id, candidates_dir(data_dir).resolve() / run_id)
    remove_tree(candidate.path)
    for folder in (candidate.inputs, candidate.target, candidate.logs):
        folder.mkdir(parents=True)
    return candidate


def drop_old_candidates(data_dir: Path, keep: int) -> list[str]:
    """Remove all but the `keep` newest candidates; returns the run ids removed."""
    folder = candidates_dir(data_dir)
    if not folder.is_dir():
        return []
    runs = [path for path in folder.iterdir() if NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]
    runs.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    dropped = runs[keep:]
    for path in dropped:
        remove_tree(path)
    return [path.name for path in dropped]
