"""Names and paths: from the manners of other tools to ours."""

import re

_STEP = re.compile(r"""\.?([^.\[\]\s'"$*?@]+)|\[\s*['"]([^'".\s]+)['"]\s*\]""")


def snake(text: str, fallback: str = "unnamed") -> str:
    """A name that a column, dataset or source may have: `updatedAt` -> `updated_at`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    plain = re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")
    if not plain:
        return fallback
    return plain if plain[0].isalpha() else f"f_{plain}"


def dotted(path: str) -> str | None:
    """A JSON path as a dotted one: `$.data.items[*]` -> `data.items`, `$` -> ``; None where it chooses or counts."""
    rest = path.strip().removesuffix("[*]").removesuffix(".*")
    rest = rest[1:] if rest.startswith("$") else rest
    steps = []
    while rest:
        step = _STEP.match(rest)
        if step is None:
            return None
        steps.append(step[1] or step[2])
        rest = rest[step.end() :]
    return ".".join(steps)


def is_name(text: str) -> bool:
    """Whether a text may name a source: it becomes a file, a dbt source and the beginning of variables."""
    return re.fullmatch(r"[a-z][a-z0-9_]{0,39}", text) is not None
