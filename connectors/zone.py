"""What one zone is not supplied with, and how its agencies mark a missing value: the zone file."""

from collections.abc import Sequence
from pathlib import Path

from connectors.errors import ConfigError
from connectors.source_files import faults_of
from connectors.spec import Column, Dataset, Source
from connectors.strict import NonEmptyText, Strict
from ledger.yaml_file import read_yaml


class Zone(Strict):
    """All parts are empty by default: every declared dataset is expected, and only an empty field is missing."""

    not_supplied: dict[str, NonEmptyText] = {}
    """`source` or `source.dataset` -> why it is not supplied here."""

    missing_markers: dict[str, dict[str, tuple[str, ...]]] = {}
    """`source.dataset` -> column -> the texts by which that agency marks a missing value."""

    missing_words: tuple[str, ...] = ()
    """Words for nothing beside the default list, for every text column that has no list of its own."""

    def why_not_supplied(self, dataset: Dataset) -> str | None:
        """The stated reason why a dataset is not supplied in this zone, or None where it is expected."""
        return self.not_supplied.get(dataset.address, self.not_supplied.get(dataset.source))

    def markers(self, dataset: Dataset) -> dict[str, tuple[str, ...]]:
        """Column name -> texts that mean missing, from the source file and from this zone."""
        ours = self.missing_markers.get(dataset.address, {})
        marked = {c.name: (*c.missing_markers, *ours.get(c.name, ()), *self._words(c)) for c in dataset.columns}
        return {name: texts for name, texts in marked.items() if texts}

    def _words(self, column: Column) -> list[str]:
        takes_default = column.kind == "varchar" and column.missing_words is None
        return [word for word in self.missing_words if takes_default and word not in (column.values or ())]


def read_zone(path: Path | None, sources: Sequence[Source]) -> Zone:
    """Read the zone file, or the default where none is named; a name that no source file knows is a `ConfigError`."""
    if path is None:
        return Zone()
    try:
        zone = Zone.model_validate(read_yaml(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"not a valid zone file: {faults_of(error, Zone)}.", str(path), "fix it, then jifen source check"
        ) from error
    columns = {d.address: {c.name for c in d.columns} for s in sources for d in s.datasets}
    known = {*columns, *(source.name for source in sources)}
    unknown = sorted((set(zone.not_supplied) - known) | (set(zone.missing_markers) - set(columns)))
    for address, markers in zone.missing_markers.items():
        unknown += [f"{address}.{name}" for name in sorted(set(markers) - columns.get(address, set(markers)))]
    if unknown:
        raise ConfigError(f"names nothing we know: {', '.join(unknown)}.", str(path), "jifen source list")
    return zone
