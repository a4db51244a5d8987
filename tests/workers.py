"""Which tests go to one worker when several run them: those of files that share what is dear to build.

The marks of pytest-xdist 3.8 for this do nothing under pytest 9.2, and say nothing; its hook for a scheduler works.
"""

from xdist.scheduler.loadscope import LoadScopeScheduling

TOGETHER = {
    "night": (
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

_GROUPS = {f"tests/{file}": name for name, files in TOGETHER.items() for file in files}


class Together(LoadScopeScheduling):
    """Whole groups first, the largest before the others; then every other test by itself, wherever there is room."""

    def _split_scope(self, nodeid: str) -> str:
        return _GROUPS.get(nodeid.partition("::")[0], nodeid)
