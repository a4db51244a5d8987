"""Back a night up, lose its data folder, restore it, run the next night: what each step takes, and that all is there.

`python -m tests.restore_sweep` prints the table of `docs/reliability.md`: the seconds of each whole command, the size
of the backup, and the two figures that an operator is asked for: RTO, how long until the next night is published on an
empty machine, and RPO, what a backup after each night does not hold. It ends with exit code 1 where anything that is
restored is not what was backed up, or the next night does not publish.
"""

import hashlib
import shutil
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sandbox.start import start
from tests.e2e.installation import Installation, Ran


class RestoreSweepError(RuntimeError):
    """A step did not come to what it must."""


def timed(installation: Installation, *words: str) -> tuple[float, Ran]:
    """Seconds of one command in a process of its own, and its end. Raises `RestoreSweepError` where it failed."""
    began = time.monotonic()
    ran = installation.process(*words)
    if ran.code:
        raise RestoreSweepError(f"jifen {' '.join(words)}: exit code {ran.code}: {ran.output}")
    return time.monotonic() - began, ran


def hashes(folder: Path) -> dict[str, str]:
    """Each file of the editions, deliveries, raw, landed, quarantine and returns of a data folder."""
    kept = ("editions", "deliveries", "raw", "landed", "quarantine", "returns")
    files = (path for name in kept for path in (folder / name).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def size_mb(folder: Path) -> float:
    """Megabytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def sweep(folder: Path, installation: Installation) -> list[tuple[str, str]]:
    """Do it; answers the lines of the table."""
    backups = folder / "backups"
    timed(installation, "run", "--as-of", installation.as_of.isoformat())
    first, _ = timed(installation, "backup", str(backups))
    size = size_mb(backups)
    second, _ = timed(installation, "backup", str(backups))
    grown = size_mb(backups) - size
    checked, _ = timed(installation, "restore", str(backups), "--check")
    before = hashes(installation.data_dir)
    lost = folder / "lost"
    shutil.move(installation.data_dir, lost)
    restored, _ = timed(installation, "restore", str(backups))
    if hashes(installation.data_dir) != before:
        raise RestoreSweepError("what was restored is not what was backed up")
    timed(installation, "ledger", "verify")
    night, ran = timed(installation, "run", "--as-of", (installation.as_of + timedelta(days=1)).isoformat())
    if ran.output["state"] != "published":
        raise RestoreSweepError(f"the night after: {ran.output['state']}: {ran.output['message']}")
    return [
        (
            "first backup, with nothing at the place",
            f"{first:.1f} s, {size:.0f} MB of {len(before)} files and the ledger",
        ),
        ("the next one, nothing new", f"{second:.1f} s, {grown:.1f} MB"),
        ("`restore --check`", f"{checked:.1f} s"),
        ("`restore` to an empty folder", f"{restored:.1f} s, every file as it was, the journal verifies"),
        (
            "**RTO**: restored, and the next night published",
            f"{restored + night:.1f} s, of which the night is {night:.1f} s",
        ),
        (
            "**RPO**",
            "the last backup: what people decided and banks answered since; agencies send theirs again",
        ),
    ]


def main() -> int:
    """Play it on the sandbox's district."""
    with tempfile.TemporaryDirectory() as name, start("district", Path(name) / "sandbox") as sandbox:
        try:
            lines = sweep(Path(name), Installation(Path(name) / "data", sandbox))
        except RestoreSweepError as error:
            sys.stderr.write(f"FOUND {error}\n")
            return 1
    sys.stdout.writelines(f"| {what} | {took} |\n" for what, took in lines)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
