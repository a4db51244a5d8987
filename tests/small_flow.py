"""The small night as the flow of a deployment: what a worker of `tests.prefect_kills` starts.

Its build waits for as long as the agencies' folder has a file `hold`, so that a night can be struck in its midst.
"""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from editions.build import BuildReport
from flows import nightly as flows_nightly
from flows.night import Night
from tests import small_night
from tests.unit.small_edition import make_candidate

nightly = flows_nightly.nightly


def _build(night: Night, _: object) -> tuple[Any, BuildReport]:
    folder = Path(os.environ["SMALL_FOLDER"])
    (folder / "at_build").touch()
    while (folder / "hold").exists():
        time.sleep(0.1)
    number = len(list(folder.glob("files/firms_*.csv")))
    return make_candidate(
        night.settings.data_dir, night.run_id, small_night.facts(night.as_of, number)
    ), small_night.built()


small_night.put_in_force()
flows_nightly.TASKS = replace(flows_nightly.TASKS, build=_build, gate=small_night.pass_gate)
