"""One stream of chance for each topic and enterprise, so that a change to one topic moves no other."""

import random
from collections.abc import Callable

Stream = Callable[[str, int], random.Random]
"""A stream of its own for a topic and the number of an enterprise."""


def streams(seed: int) -> Stream:
    """Return the streams of a seed."""

    def stream(topic: str, number: int) -> random.Random:
        return random.Random(f"{seed}:{topic}:{number}")

    return stream
