"""An agency whose deliveries hold records that are refused, landed as the pipeline would land them."""

import json
from contextlib import suppress

from sqlalchemy import select

from ledger.tables import batches
from tests.unit.conftest import land

GOOD, OTHER = "91110000600037341L", "91440300192185379H"


def record(uscc=GOOD, year=2024, revenue="10.00", staff=10, **more):
    return {"uscc": uscc, "fiscal_year": year, "yysr": revenue, "staff_total": staff, "sci_tech_staff": 5, **more}


def deliver(settings, ledger, dataset, *pages, day):
    """Pull, land and quarantine pages of records; answers the batch's name. A refused delivery is closed as such."""
    with suppress(RuntimeError):
        land(settings, ledger, dataset, [json.dumps({"items": items}).encode() for items in pages], day)
    newest = select(batches.c.batch).order_by(batches.c.batch.desc())
    with ledger.begin() as connection:
        return connection.execute(newest.where(batches.c.dataset == dataset.name)).scalars().first()
