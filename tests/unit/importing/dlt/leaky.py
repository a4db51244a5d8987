"""Secrets written down in every place where people write them down. All of them are made up."""

from dlt.sources.rest_api import rest_api_source

TOKEN = "canary-4f9a7c2e1b8d6035"

source = rest_api_source(
    {
        "client": {
            "base_url": "https://zone:canary-pass-8812ab@leaky.example/api?sig=canary-sig-77aa31",
            "headers": {"Authorization": "Bearer " + TOKEN, "X-Trace": "on"},
        },
        "resources": [
            {
                "name": "records",
                "primary_key": "id",
                "endpoint": {
                    "path": "records",
                    "method": "POST",
                    "data_selector": "items",
                    "paginator": "single_page",
                    "params": {"api_key": "canary-param-19c0de", "kind": "a", "x": "sk_live_canary9f8e7d6c5b4a"},
                    "json": {"login": {"password": "canary-body-5521ff"}, "list": [{"token": "canary-deep-0be1"}]},
                    "headers": {"X-Secret": "canary-header-2c2c"},
                    "auth": {"type": "api_key", "name": "X-K", "api_key": "canary-auth-a1b2c3"},
                },
            },
            {
                "name": "hooks",
                "primary_key": "id",
                "endpoint": {
                    "path": "hooks/canaryAAbb1122ccdd3344eeff/list",
                    "data_selector": "items",
                    "paginator": "single_page",
                },
            },
        ],
    }
)
