"""Airbyte CDK as it is used: its entrypoint reads the manifest and gives each record as a line of the protocol.

The lines go into a file, as a platform would receive them; nothing reads them again.

python benchmarks/pull/airbyte_entrypoint.py BASE_URL OUT
"""

import json
import logging
import sys
from pathlib import Path

import yaml
from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk_read import CATALOG
from clock import Clock


def main(base_url: str, out: Path) -> None:
    """Read one stream."""
    logging.disable(logging.WARNING)
    clock = Clock()
    manifest = yaml.safe_load((Path(__file__).parent / "airbyte_manifest.yml").read_text(encoding="utf-8"))
    config = {"base_url": base_url, "api_key": "bench"}
    files = {"config": config, "catalog": CATALOG}
    for name, content in files.items():
        (out / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    catalog = ConfiguredAirbyteCatalogSerializer.load(CATALOG)
    source = ConcurrentDeclarativeSource(catalog=catalog, config=config, state=None, source_config=manifest)
    arguments = ["read", "--config", str(out / "config.json"), "--catalog", str(out / "catalog.json")]
    path = out / "messages.jsonl"
    with path.open("w", encoding="utf-8") as handle:
        for line in AirbyteEntrypoint(source).run(AirbyteEntrypoint.parse_args(arguments)):
            handle.write(line)
            handle.write("\n")
    clock.tell(path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
