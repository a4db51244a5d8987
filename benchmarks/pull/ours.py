"""The client that is measured: `pull_dataset` as the night calls it, raw pages kept, one ledger checkpoint a page.

.venv/bin/python benchmarks/pull/ours.py SOURCE.yml OUT
"""

import sys
from datetime import date
from pathlib import Path

from clock import Clock

AS_OF = date(2025, 6, 30)


def main(source_file: Path, out: Path) -> None:
    """Pull one dataset into OUT and print what it took."""
    from connectors.landing import landed_path
    from connectors.pull import pull_dataset
    from connectors.source_files import read_source
    from connectors.zone import Zone
    from ledger.settings import Settings
    from ledger.store import open_ledger

    source = read_source(source_file)
    settings = Settings(data_dir=out, _env_file=None)
    ledger = open_ledger(settings)
    (dataset,) = source.datasets
    _import_the_rest()
    clock = Clock()
    pulled = pull_dataset(source, dataset, Zone(), settings, ledger, AS_OF)
    if pulled.state != "landed" or pulled.batch is None:
        raise SystemExit(f"{pulled.state}: {pulled.message}")
    clock.report(landed_path(settings.data_dir, source.name, dataset.name, pulled.batch))


def _import_the_rest() -> None:
    """What the pull imports only when it needs it; every other client imports all it has at its top."""
    import duckdb  # noqa: F401
    import pyarrow as pa

    import connectors.drivers.rest  # noqa: F401

    # pyarrow looks for pandas at its first array, and imports it.
    pa.array([""])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
