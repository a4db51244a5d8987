"""Issues of a repository, with their comments: a token from the secret store, defaults, a parent."""

import dlt
from dlt.sources.rest_api import RESTAPIConfig, rest_api_resources


@dlt.source
def tracker(access_token=dlt.secrets.value):
    config: RESTAPIConfig = {
        "client": {
            "base_url": "https://api.tracker.example/repos/zone/points/",
            "auth": {"type": "bearer", "token": access_token},
            "paginator": "header_link",
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {"params": {"per_page": 100}},
        },
        "resources": [
            {
                "name": "issues",
                "endpoint": {
                    "path": "issues",
                    "data_selector": "$",
                    "params": {
                        "sort": "updated",
                        "state": "open",
                        "since": {
                            "type": "incremental",
                            "cursor_path": "updated_at",
                            "initial_value": "2024-01-25T11:21:28Z",
                            "lag": 90000,
                        },
                    },
                },
            },
            {
                "name": "issue_comments",
                "endpoint": {
                    "path": "issues/{issue_number}/comments",
                    "data_selector": "$",
                    "params": {"issue_number": {"type": "resolve", "resource": "issues", "field": "number"}},
                },
                "include_from_parent": ["id"],
            },
        ],
    }
    yield from rest_api_resources(config)
