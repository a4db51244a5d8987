"""Every edge of the local indicators and of identity, planted in a fixed order."""

from sandbox.district_faults_rights import RIGHTS_EDGES
from sandbox.district_faults_standing import STANDING_EDGES
from sandbox.district_faults_succession import SUCCESSION_EDGES
from sandbox.draft import Draft


def plant_local(draft: Draft) -> None:
    """Plant them all: who continues whom first, for rights move with that."""
    for plant in (*SUCCESSION_EDGES, *RIGHTS_EDGES, *STANDING_EDGES):
        plant(draft)
