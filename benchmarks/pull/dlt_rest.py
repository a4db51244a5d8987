"""dlt: its `rest_api` source into Parquet on the local file system, as its documents tell one to write it.

Telemetry is off, the schema of nested data is not searched for (there is none), nothing else is tuned down or up.

python benchmarks/pull/dlt_rest.py BASE_URL OUT
"""

import os
import sys
from pathlib import Path

from clock import Clock


def main(base_url: str, out: Path) -> None:
    """Run one pipeline with one resource."""
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
        "DLT_DATA_DIR": str(out / "home"),
    }
    import dlt
    from dlt.sources.rest_api import rest_api_source

    clock = Clock()
    source = rest_api_source(
        {
            "client": {
                "base_url": base_url,
                "auth": {"type": "api_key", "name": "X-Api-Key", "api_key": "bench", "location": "header"},
                "paginator": {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": "data.pages"},
            },
            "resources": [
                {
                    "name": "statements",
                    "write_disposition": "replace",
                    "max_table_nesting": 0,
                    "endpoint": {"path": "statements", "params": {"size": 1000}, "data_selector": "data.items"},
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(out / "pipelines"),
        destination=dlt.destinations.filesystem(bucket_url=(out / "lake").as_uri()),
        dataset_name="tax",
    )
    info = pipeline.run(source, loader_file_format="parquet")
    info.raise_on_failed_jobs()
    clock.report(out / "lake" / "tax" / "statements")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
