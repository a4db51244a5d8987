"""Processes that a test started through others, by their number."""

import time
from pathlib import Path


def is_alive(process_id: int) -> bool:
    """Whether a process runs: one that has ended and whose parent has not yet read its exit code does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(process_id: int, seconds: float = 120.0) -> None:
    """Wait for a process to end, or until the time is over: the caller checks which."""
    deadline = time.monotonic() + seconds
    while is_alive(process_id) and time.monotonic() < deadline:
        time.sleep(0.05)
