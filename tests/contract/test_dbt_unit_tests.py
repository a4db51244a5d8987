"""The models' own unit tests, run by dbt in memory, with no inputs and no files."""

import json
import shutil
from collections import Counter

from editions.dbt import Dbt
from ledger.settings import PROJECT_DIR

PARSED = PROJECT_DIR / "dbt_project" / "target" / "lint" / "partial_parse.msgpack"


def test_every_unit_test_of_the_models_passes(tmp_path):
    target, log = tmp_path / "target", tmp_path / "build.txt"
    target.mkdir()
    # The parse of `make lint-sql`, where there is one; what has changed since dbt parses anew.
    if PARSED.exists():
        shutil.copy(PARSED, target)
    arguments = [
        "build",
        *("--project-dir", "dbt_project", "--profiles-dir", "dbt_project", "--target", "scratch", "--empty"),
        *("--vars", '{as_of: "2025-06-30"}', "--exclude-resource-type", "test"),
        *("--target-path", str(target), "--log-path", str(tmp_path / "logs")),
    ]
    assert Dbt().run(arguments, {}, PROJECT_DIR, log) == 0, log.read_text(encoding="utf-8")[-4000:]
    results = json.loads((target / "run_results.json").read_bytes())["results"]
    counts = Counter(result["status"] for result in results if result["unique_id"].startswith("unit_test."))
    written = sum(text.count("\n  - name: ") for text in unit_test_files())
    assert counts == {"pass": written}
    assert written >= 36


def unit_test_files():
    for path in (PROJECT_DIR / "dbt_project" / "models").rglob("*.yml"):
        _, found, text = path.read_text(encoding="utf-8").partition("\nunit_tests:")
        if found:
            yield text
