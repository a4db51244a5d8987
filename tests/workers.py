"""Which tests go to one worker when several run them: those of a file, and of files that share what is dear to build.

The marks of pytest-xdist 3.8 for this do nothing under pytest 9.2, and say nothing; its hook for a scheduler works.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

TOGETHER = {
    "night": (
        "contract/test_adding_a_bank.py",
        "contract/test_adding_an_agency.py",
        "contract/test_adding_an_indicator.py",
        "contract/test_district_night.py",
        "contract/test_planting.py",
        "contract/test_programme.py",
        "contract/test_programme_night.py",
        "contract/test_public_list.py",
        "contract/test_scoring_properties.py",
        "e2e/test_bad_days.py",
        "e2e/test_blocked_night.py",
        "e2e/test_dead_lines.py",
        "e2e/test_first_night.py",
        "e2e/test_killed_simulation.py",
        "e2e/test_rebuild.py",
        "e2e/test_returns_of_a_night.py",
    ),
    "score": ("contract/test_score_command.py", "contract/test_score_edges.py", "contract/test_sme_tech.py"),
    "prefect": ("e2e/test_demo.py", "e2e/test_prefect.py"),
    "listed": ("real/test_listed_night.py", "real/test_listed_population.py"),
    "registers": ("real/test_register_files.py",),
}
"""By the name of what they share the files of tests that go to one worker, below `tests`."""

DEAR = (
    *("contract/test_kill_sweep.py", "contract/test_soak.py", "contract/test_delivery_sweep.py"),
    *("foreign/test_foreign_clients.py", "contract/test_dbt_unit_tests.py", "contract/test_database_driver.py"),
)
"""Further files of long tests, which must not be the last to begin."""

APART = "contract/test_acceptance_samples.py"
"""Long tests that share nothing: each goes to whichever worker is free, where the file would occupy one to the end."""

_GROUPS = {f"tests/{file}": name for name, files in TOGETHER.items() for file in files}
_FIRST = [*_GROUPS, *(f"tests/{file}" for file in (*DEAR, APART))]


def place_of(nodeid: str) -> int:
    """By which the tests are sorted: groups, then what is dear, then all others, in whatever order they were."""
    file = nodeid.partition("::")[0]
    return _FIRST.index(file) if file in _FIRST else len(_FIRST)


class Together(LoadScopeScheduling):
    """A group, or a file, at a time to each worker, in the order of the collection: its fixtures are made once."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        # The default is by the number of tests, which says nothing of what they cost.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file == f"tests/{APART}" else _GROUPS.get(file, file)
