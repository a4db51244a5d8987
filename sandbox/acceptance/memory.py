"""How much memory one pull takes, measured in a process of its own: there nothing was freed that could be used again.

Run as `python -m sandbox.acceptance.memory`: what to pull comes as JSON on standard input, what it took goes out.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from connectors.pull import driver_of, pull_dataset
from connectors.spec import Source
from connectors.zone import Zone
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger

STATUS = Path("/proc/self/status")
CHILD_SECONDS = 300.0


@dataclass(frozen=True)
class Taken:
    """What one pull of a source took: resident bytes before it and at the peak, and how each dataset ended."""

    before: int
    peak: int
    states: list[str]

    @property
    def growth(self) -> int:
        """Bytes by which the pull made the process grow at its peak."""
        return self.peak - self.before


def measurable() -> bool:
    """Whether this system tells a process its own peak (Linux does)."""
    return STATUS.exists()


def measure(source: Source, zone: Zone, settings: Settings, as_of: date) -> tuple[Taken, str]:
    """Pull a source in a child process with the variables of this one; what it took, and all that it said."""
    asked = {
        "source": source.model_dump_json(),
        "zone": zone.model_dump_json(),
        "settings": settings.model_dump_json(),
        "as_of": as_of.isoformat(),
    }
    child = subprocess.run(
        [sys.executable, "-m", "sandbox.acceptance.memory"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        timeout=CHILD_SECONDS,
        check=False,
    )
    said = child.stdout + child.stderr
    if child.returncode != 0:
        raise RuntimeError(f"the measuring process ended with code {child.returncode}: {child.stderr[-300:]}")
    return Taken(**json.loads(child.stdout.splitlines()[-1])), said


def _resident(name: str) -> int:
    """A figure of this process in bytes: VmRSS is what it holds now, VmHWM the most it ever held."""
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Pull what standard input names, and print what it took as one line of JSON."""
    asked = json.loads(sys.stdin.read())
    source, zone = Source.model_validate_json(asked["source"]), Zone.model_validate_json(asked["zone"])
    settings = Settings.model_validate_json(asked["settings"])
    ledger = open_ledger(settings)
    driver_of(source.driver)
    before = _resident("VmRSS")
    as_of = date.fromisoformat(asked["as_of"])
    pulled = [pull_dataset(source, dataset, zone, settings, ledger, as_of) for dataset in source.datasets]
    states = [f"{one.dataset} {one.state}" for one in pulled]
    sys.stdout.write(json.dumps(asdict(Taken(before, _resident("VmHWM"), states))) + "\n")


if __name__ == "__main__":
    main()
