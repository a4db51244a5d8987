"""What is dear to import is imported by the function that needs it."""

import subprocess
import sys

from ledger.settings import PROJECT_DIR


def test_no_module_does_work_at_import():
    dear = ("prefect", "great_expectations", "dbt", "requests", "asyncssh")
    code = (
        "import sys, flows.recipe, flows.publish, flows.deliver, connectors.pull, expectations.gate\n"
        f"sys.exit(', '.join(sorted(set({dear!r}) & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
