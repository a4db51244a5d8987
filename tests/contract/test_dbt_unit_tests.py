"""The models' own unit tests, run by dbt in memory, with no inputs and no files."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from ledger.settings import PROJECT_DIR


def test_every_unit_test_of_the_models_passes(tmp_path):
    command = [
        str(Path(sys.executable).with_name("dbt")),
        "build",
        *("--project-dir", "dbt_project", "--profiles-dir", "dbt_project", "--target", "scratch", "--empty"),
        *("--vars", '{as_of: "2025-06-30"}', "--exclude-resource-type", "test"),
        *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
    ]
    done = subprocess.run(command, cwd=PROJECT_DIR, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    results = json.loads((tmp_path / "target" / "run_results.json").read_bytes())["results"]
    counts = Counter(result["status"] for result in results if result["unique_id"].startswith("unit_test."))
    written = sum(text.count("\n  - name: ") for text in unit_test_files())
    assert counts == {"pass": written}
    assert written >= 36


def unit_test_files():
    for path in (PROJECT_DIR / "dbt_project" / "models").rglob("*.yml"):
        _, found, text = path.read_text(encoding="utf-8").partition("\nunit_tests:")
        if found:
            yield text
