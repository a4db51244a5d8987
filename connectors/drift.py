"""When the shape of what an agency sends drifts from what its source file declares: `schema_contract` in practice."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.columns import Fault
from connectors.errors import AgencyError
from connectors.spec import Column, Dataset
from connectors.vectors import TypedColumn

MANY = 20
"""From so many values on, a column of which not one fits its type has been retyped; fewer are single bad records."""

_OF_TYPE = ("type_mismatch", "nested_value", "digits_lost", "time_of_day")


def claim_extra(
    dataset: Dataset,
    columns: Mapping[str, list[Any]],
    claimed: frozenset[str],
    faults: dict[int, list[Fault]],
    notes: Counter[str],
) -> dict[int, dict[str, Any]]:
    """What no column claims, by place, under `evolve`; under the other modes it is dropped, refused or stops it all."""
    unclaimed = [name for name in columns if name not in claimed]
    extra: dict[int, dict[str, Any]] = {}
    mode = dataset.schema_contract.columns
    if unclaimed and mode == "freeze":
        raise AgencyError(
            f"sends what no column claims: {', '.join(sorted(unclaimed))}.",
            dataset.address,
            "add it to the source file, or set schema_contract columns to evolve",
        )
    for name in unclaimed:
        notes[f"unclaimed_field:{name}"] = 1
        for place, value in enumerate(columns[name]):
            if value is None or mode == "discard_value":
                continue
            if mode == "evolve":
                extra.setdefault(place, {})[name] = value
            else:
                faults.setdefault(place, []).append(Fault("unclaimed_field", "", name, True))
    return extra


def settle_retyped(
    dataset: Dataset,
    column: Column,
    found: TypedColumn,
    label: str,
    values: list[Any] | None,
    extra: dict[int, dict[str, Any]],
) -> TypedColumn:
    """Judge a column of which no value fits its type: stop, refuse the records, or let them stand without it."""
    wrong = {place: fault for place, fault in found.faults.items() if fault.reason in _OF_TYPE}
    if len(wrong) < MANY or found.values.null_count < len(found.values):
        return found
    mode = dataset.schema_contract.data_type
    if mode == "discard_row":
        return found
    reasons = sorted({fault.reason for fault in wrong.values()})
    if mode == "freeze" or column.required:
        raise AgencyError(
            f"no value of {column.source_field} on {label} is of type {column.data_type} ({', '.join(reasons)}).",
            dataset.address,
            "ask the agency what it changed; the last good batch stays",
        )
    forgiven = {place: replace(fault, refuses=False) for place, fault in wrong.items()}
    if mode == "evolve" and values is not None:
        for place in wrong:
            extra.setdefault(place, {})[column.source_field] = values[place]
    return replace(found, faults={**found.faults, **forgiven})
