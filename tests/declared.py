"""Sources and datasets as source files would declare them, for tests that change a part."""

from typing import Any

from connectors.spec import Dataset, Source

UNWATCHED = {"unwatched": "made for a test"}
REST = {"base_url": {"env": "TAX_BASE_URL"}, "auth": {"kind": "bearer", "token": {"env": "TAX_TOKEN"}}}


def column(name: str, data_type: str = "varchar", **rules: Any) -> dict[str, Any]:
    """A column whose field has its name unless another is named."""
    return {"name": name, "data_type": data_type, "source_field": rules.pop("source_field", name), **rules}


def dataset_of(**given: Any) -> Dataset:
    """A dataset without anything that watches it; its key, columns and request must be given."""
    plain = {"source": "tax", "name": "statements", "description": "made for a test", "critical": False}
    plain |= {"coverage": "partial", "load": "snapshot", "decoder": {"kind": "json", "records": "items"}}
    watched = {"volume": {"floor": 0, "ceiling": 1000}, "freshness": UNWATCHED, "continuity": UNWATCHED}
    return Dataset.model_validate({**plain, **watched, **given})


def source_of(*datasets: Dataset, **given: Any) -> Source:
    """A source of these datasets, named after them: a REST agency unless another driver is given."""
    plain = {"name": datasets[0].source, "description": "made for a test", "agency": {"zh": "机关", "en": "agency"}}
    return Source.model_validate(
        {**plain, "driver": "rest", "connection": REST, "datasets": datasets, "sha256": "spec", **given}
    )
