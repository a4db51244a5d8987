"""A public list without auth: links in the body, two resources by name alone."""

import dlt
from dlt.sources.rest_api import rest_api_source

PAGE = 1000

source = rest_api_source(
    {
        "client": {
            "base_url": "https://berries.example/api/v2/",
            "paginator": {"type": "json_link", "next_url_path": "paging.next"},
        },
        "resource_defaults": {"endpoint": {"params": {"limit": PAGE}}},
        "resources": ["berry", {"name": "location", "selected": False, "endpoint": {"data_selector": "results"}}],
    }
)

if __name__ == "__main__":
    dlt.pipeline("berries", destination="duckdb").run(source)
