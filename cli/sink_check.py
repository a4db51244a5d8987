"""Whether a recipient's file is whole before anything is built: each column of its extract decided and described."""

from collections.abc import Sequence
from typing import Any

from connectors.errors import ConfigError
from connectors.sink_files import ExtractSink, Sink
from editions.dictionary import UndescribedError, described, read_dictionary
from editions.extract import CLASSES_FILE, ExtractError, classes_of
from ledger.settings import PROJECT_DIR
from ledger.yaml_file import read_yaml

MODELS = PROJECT_DIR / "dbt_project" / "models"
CONTRACTS = MODELS / "extracts"


def check_sinks(sinks: Sequence[Sink]) -> list[dict[str, Any]]:
    """One line for each recipient of files: ok, or failed with what its file, or the dictionary, lacks."""
    contracts = contract_columns()
    return [_check(sink, contracts) for sink in sinks if isinstance(sink, ExtractSink)]


def contracts_of_extracts() -> dict[str, dict[str, Any]]:
    """The contract of each extract's model, by its name: its description, and its columns with their types."""
    models = [model for path in sorted(CONTRACTS.glob("*.yml")) for model in read_yaml(path.read_bytes())["models"]]
    return {str(model["name"]): model for model in models}


def contract_columns() -> dict[str, list[str]]:
    """The columns of each extract, as the models' contracts state them."""
    return {
        name: [str(column["name"]) for column in contract["columns"]]
        for name, contract in contracts_of_extracts().items()
    }


def _check(sink: ExtractSink, contracts: dict[str, list[str]]) -> dict[str, Any]:
    line: dict[str, Any] = {"dataset": f"sink {sink.name}", "state": "ok", "records": None, "refused": None}
    try:
        sink.require_decided()
        for extract, granted in sink.tables.items():
            if sink.grant == "consent" and extract not in contracts:
                known = f"there are: {', '.join(sorted(contracts))}"
                raise ConfigError(f"no extract {extract}.", sink.place, known)
            if sink.grant == "mandate":
                # The columns of an edition's table are checked when it is cut; here only that there is such a model.
                if next(MODELS.rglob(f"{extract}.sql"), None) is None or extract in contracts:
                    raise ConfigError(f"no table {extract} of editions.", sink.place, "docs/editions.md lists them")
            else:
                sink.check_columns(extract, contracts[extract])
                if not any(classes_of(granted.fields, extract).values()):
                    named = ", ".join(granted.fields)
                    raise ConfigError(
                        f"of {extract} only {named} would go, which no consent names: no row is sent.",
                        sink.place,
                        f"put a column under fields that has a class of data in dbt_project/{CLASSES_FILE.name}",
                    )
            described(read_dictionary(), extract, granted.fields)
    except (ConfigError, ExtractError, UndescribedError) as error:
        return {**line, "state": "failed", "message": str(error)}
    return {**line, "message": None}
