"""What a sweep prints while it runs."""

import sys


def say(*lines: str) -> None:
    """Print lines at once, so that a log shows how far a sweep of hours has come."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()
