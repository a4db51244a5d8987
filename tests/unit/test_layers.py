"""Imports run one way, and the check that says so can fail."""

import subprocess
import sys

from ledger.settings import PROJECT_DIR


def lint_imports(*arguments: str, cwd=PROJECT_DIR) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command as c; c()"
    command = [sys.executable, "-c", code, "--no-cache", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_imports_run_one_way():
    done = lint_imports()
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_import_upwards_is_caught(tmp_path):
    for package in ("flows", "ledger"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "ledger" / "wrong.py").write_text("import flows\n")
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_packages =\n    flows\n    ledger\n"
        "[importlinter:contract:1]\nname = layers\ntype = layers\nlayers =\n    flows\n    ledger\n"
    )
    done = lint_imports("--config", ".importlinter", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ledger is not allowed to import flows" in done.stdout


def test_no_module_does_work_at_import():
    dear = ("prefect", "great_expectations", "dbt", "requests", "asyncssh")
    code = (
        "import sys, flows.recipe, flows.publish, flows.deliver, connectors.pull, expectations.gate\n"
        f"sys.exit(', '.join(sorted(set({dear!r}) & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
