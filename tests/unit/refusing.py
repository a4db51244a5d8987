"""An agency whose deliveries hold records that are refused, landed as the pipeline would land them."""

import json

from connectors.landing import clear_work, prepare, stage
from connectors.page_batch import RawPage
from connectors.promote import promote
from connectors.raw import keep_raw
from connectors.spec import Source
from connectors.zone import Zone
from ledger.batches import close_batch, open_batch, record_page

GOOD, OTHER = "91110000600037341L", "91440300192185379H"


def record(uscc=GOOD, year=2024, revenue="10.00", staff=10, **more):
    return {"uscc": uscc, "fiscal_year": year, "yysr": revenue, "staff_total": staff, "sci_tech_staff": 5, **more}


def make_source(*datasets):
    return Source.model_validate(
        {
            "name": datasets[0].source,
            "description": "an agency made for a test",
            "agency": {"zh": "税务局", "en": "Tax office"},
            "driver": "rest",
            "connection": {
                "base_url": {"env": "TAX_BASE_URL"},
                "auth": {"kind": "bearer", "token": {"env": "TAX_TOKEN"}},
            },
            "datasets": datasets,
            "sha256": "spec",
        }
    )


def deliver(settings, ledger, dataset, *pages, day):
    """Pull, land and quarantine pages of records; answers the batch's name. A refused delivery is closed as such."""
    key, _ = open_batch(ledger, dataset.source, dataset.name, day, "spec", None)
    raw = []
    for sequence, items in enumerate(pages, start=1):
        body = json.dumps({"items": items}).encode()
        sha256 = keep_raw(settings.data_dir, body)
        record_page(ledger, key, sequence, f"page {sequence}", sha256, len(body), None)
        raw.append(RawPage(sequence, f"page {sequence}", sha256, body))
    try:
        staged = stage(dataset, Zone(), settings, key, day, raw)
        promote(dataset, settings, ledger, key, day, staged, prepare(dataset, settings, ledger, key, day, staged))
    except RuntimeError as error:
        close_batch(ledger, key, "refused", error=str(error))
    finally:
        clear_work(settings, key)
    return key.batch
