"""What Prefect does with what the tasks of a night are handed."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.futures import resolve_futures_to_results

from flows import nightly


class Shared(dict[str, Any]):
    """What tasks at work change, so that whoever looks through it meanwhile finds another size."""

    def items(self) -> Any:
        raise RuntimeError("dictionary changed size during iteration")


@dataclass(frozen=True)
class SharedNight:
    sources: tuple[Any, ...]
    sessions: Shared


@pytest.fixture
def night(monkeypatch):
    dataset = SimpleNamespace(name="firms")
    monkeypatch.setattr(nightly, "waves", lambda _: [[(SimpleNamespace(name="science"), dataset)]])
    return SharedNight((), Shared(science=1))


def test_prefect_looks_through_nothing_that_pulls_share(night, monkeypatch):
    given: list[Any] = []

    def submit(*parameters):
        given.extend(parameters)
        return SimpleNamespace(result=lambda **_: None)

    monkeypatch.setattr(nightly.pull_task, "with_options", lambda **_: SimpleNamespace(submit=submit))
    nightly._pull_all(night)
    assert given[0].unwrap() is night
    resolve_futures_to_results({"given": given})
    with pytest.raises(RuntimeError, match="changed size"):
        resolve_futures_to_results({"given": [one.unwrap() for one in given]})
