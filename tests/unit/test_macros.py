"""The dbt project's macros: none stands there that nobody calls."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "dbt_project"
OF_ONE_ENGINE = re.compile(r"^(default|duckdb)__")


def test_every_macro_is_called_somewhere() -> None:
    files = [*(PROJECT / "macros").rglob("*.sql"), *(PROJECT / "models").rglob("*.sql")]
    files += [*(PROJECT / "tests").rglob("*.sql"), PROJECT / "dbt_project.yml"]
    written = "\n".join(re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S) for path in files)
    defined = {OF_ONE_ENGINE.sub("", name) for name in re.findall(r"\{%-?\s*macro\s+(\w+)", written)}
    called = {OF_ONE_ENGINE.sub("", name) for name in re.findall(r"(?<!macro )\b(\w+)\s*\(", written)}
    assert len(defined) > 20
    assert defined - called == set()
