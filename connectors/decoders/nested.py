"""Fields inside parts of a record: `customer.creditCode` is the `creditCode` of the part `customer`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from connectors.decoders.chunk import Chunk


def reach_in(chunk: Chunk, fields: Sequence[str]) -> Chunk:
    """The chunk with a column for each of these fields, taken out of the parts that hold it.

    A record that has the name with its points as it stands keeps that value; one that has both holds the field twice,
    and the list of the two values stands for it, which no column takes. Of a part only what was not taken is left in
    its own column, which goes where nothing is left.
    """
    columns = dict(chunk.columns)
    taken: dict[str, list[list[str]]] = {}
    for field in fields:
        head, *steps = field.split(".")
        parts = chunk.columns.get(head, []) if steps else []
        found = [_reached(part, steps) for part in parts]
        if not any(found):
            continue
        flat = columns.get(field, [None] * len(parts))
        columns[field] = [_one_of(*each) for each in zip(flat, parts, found, strict=True)]
        taken.setdefault(head, []).append(steps)
    for head in taken.keys() - fields:
        left = [_without(part, taken[head]) for part in chunk.columns[head]]
        columns[head] = left
        if not any(part is not None for part in left):
            del columns[head]
    return replace(chunk, columns=columns)


def _one_of(stands: Any, part: Any, inner: tuple[Any, ...]) -> Any:
    if stands is None or not isinstance(part, dict) or inner in ((), (None,)):
        return inner[0] if stands is None and inner else stands
    return [stands, *inner]


def _reached(part: Any, steps: Sequence[str]) -> tuple[Any, ...]:
    """The value in a part, or nothing where it is not there.

    Where a list or a plain value stands in place of a part, what is meant cannot be told: a list stands for it, which
    no column takes.
    """
    for step in steps:
        if not isinstance(part, dict):
            return () if part in (None, "") else ([part],)
        if step not in part:
            return ()
        part = part[step]
    return (part,)


def _without(part: Any, paths: list[list[str]]) -> Any:
    """What is left of a part without the values at these paths; None for nothing."""
    if not isinstance(part, dict):
        return part
    left = {}
    for name, value in part.items():
        inner = [steps[1:] for steps in paths if steps[0] == name]
        kept = None if [] in inner else _without(value, inner) if inner else value
        if kept is not None or not inner:
            left[name] = kept
    return left or None
