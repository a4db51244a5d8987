"""Airbyte CDK: a declarative manifest read in this process; the records' data go to JSON lines with orjson.

In its favour: in use each message is also serialised to the standard output.

python benchmarks/pull/airbyte_cdk_read.py BASE_URL OUT
"""

import logging
import sys
from pathlib import Path

import orjson
import yaml
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, Type
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from clock import Clock

CATALOG = {
    "streams": [
        {
            "stream": {"name": "statements", "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
            "sync_mode": "full_refresh",
            "destination_sync_mode": "overwrite",
        }
    ]
}


def main(base_url: str, out: Path) -> None:
    """Read one stream."""
    logging.disable(logging.WARNING)
    clock = Clock()
    manifest = yaml.safe_load((Path(__file__).parent / "airbyte_manifest.yml").read_text(encoding="utf-8"))
    catalog = ConfiguredAirbyteCatalogSerializer.load(CATALOG)
    config = {"base_url": base_url, "api_key": "bench"}
    source = ConcurrentDeclarativeSource(catalog=catalog, config=config, state=None, source_config=manifest)
    path = out / "statements.jsonl"
    with path.open("wb") as handle:
        for message in source.read(logging.getLogger("airbyte"), config, catalog, []):
            if message.type == Type.RECORD:
                handle.write(orjson.dumps(message.record.data))
                handle.write(b"\n")
    clock.report(path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
