"""The relations of a candidate that are sealed, by the models' tags."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*")
TAGS = {"edition": "zone", "extract": "restricted"}
"""Tag of a model, and the audience of its rows: an extract holds consents, so it is not public."""


class RelationError(ValueError):
    """The models' tags or keys are wrong: a fault of the dbt project."""


@dataclass(frozen=True)
class Relation:
    """One model whose rows are sealed; `key` is its `meta.key`, empty where the model names none.

    `workbook` is its `meta.workbook`: the columns by which people want it sorted in Excel; empty where they do not.
    """

    name: str
    schema: str
    audience: str
    key: tuple[str, ...]
    description: str
    workbook: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder of an edition that its file stands in."""
        return "tables" if self.audience == "zone" else "extracts"


def sealed_relations(target: Path) -> list[Relation]:
    """The relations tagged `edition` or `extract` in dbt's `manifest.json` under `target`, by name.

    Raises `RelationError` when there is none tagged `edition`, when one has both tags, or when two share a name.
    """
    nodes = json.loads((target / "manifest.json").read_bytes())["nodes"].values()
    found = [_relation(node) for node in nodes if TAGS.keys() & set(node["tags"]) and node["resource_type"] != "test"]
    found.sort(key=lambda relation: relation.name)
    names = [relation.name for relation in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RelationError(f"two models would be sealed as {', '.join(twice)}. {_BLAME}")
    if not any(relation.audience == "zone" for relation in found):
        raise RelationError(f"no model is tagged `edition`: there is nothing to publish. {_BLAME}")
    return found


def ruleset_in_force(warehouse: Path) -> str:
    """The id of the rule set that a candidate was scored by, from its model of that name.

    Raises `RelationError` unless there is exactly one.
    """
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute("select distinct ruleset_id from ruleset_in_force order by 1").fetchall()
    if len(found) != 1:
        raise RelationError(
            f"{len(found)} rule sets are in force on the business date, and there must be one. Whose: config "
            "(dbt_project/seeds/rulesets/rulesets.csv). Fix valid_from, valid_to or status, then `jifen run`."
        )
    return str(found[0][0])


_BLAME = "Whose: config (tags in dbt_project). Run `dbt ls --select tag:edition tag:extract`."


def _relation(node: dict) -> Relation:  # type: ignore[type-arg]  # dbt's manifest is whatever dbt wrote
    name = str(node["alias"])
    tags = sorted(TAGS.keys() & set(node["tags"]))
    if len(tags) > 1:
        raise RelationError(f"{name} is tagged both `edition` and `extract`: is it public or not? {_BLAME}")
    if not TABLE_NAME.fullmatch(name):
        raise RelationError(f"{name!r} cannot be the name of a file: small letters, digits and _ only. {_BLAME}")
    meta = node["config"].get("meta", {})
    return Relation(
        name=name,
        schema=str(node["schema"]),
        audience=TAGS[tags[0]],
        key=tuple(meta.get("key", ())),
        description=" ".join(node["description"].split()),
        workbook=tuple(meta.get("workbook", ())),
    )
