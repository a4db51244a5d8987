"""A search by POST, its token in the body."""

from dlt.sources.rest_api import rest_api_source

source = rest_api_source(
    {
        "client": {"base_url": "https://search.example", "auth": {"token": "${SEARCH_TOKEN}"}},
        "resources": [
            {
                "name": "hits",
                "primary_key": ["doc_id"],
                "endpoint": {
                    "path": "search",
                    "method": "POST",
                    "json": {"query": {"match": {"kind": "licence"}}, "fields": ["doc_id", "title"]},
                    "data_selector": "hits",
                    "paginator": {"type": "cursor", "cursor_path": "next_token", "cursor_body_path": "token"},
                    "params": {"size": 100},
                },
            }
        ],
    }
)
