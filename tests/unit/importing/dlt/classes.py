"""Auth and paginators as objects, constants, text put together, code in the middle."""

import os

import dlt
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, OffsetPaginator
from dlt.sources.rest_api import rest_api_source
from house import make_resource, make_session

HOST = "https://filings.example"
VERSION = "v4"
COMMON = {"primary_key": "filing_no"}


def lower(record):
    record["name"] = record["name"].lower()
    return record


config = dict(  # noqa: C408 - people write it so, too
    client=dict(  # noqa: C408 - the same
        base_url=f"{HOST}/{VERSION}/",
        auth=HttpBasicAuth(os.environ["FILINGS_USER"], dlt.secrets["filings.password"]),
        headers={"Accept": "application/json"},
        session=make_session(),
    ),
    resources=[
        {
            **COMMON,
            "name": "filings",
            "processing_steps": [{"filter": lambda r: r["id"] > 0}, {"map": lower}],
            "endpoint": {
                "path": "filings" + "/all",
                "data_selector": "value",
                "params": {"year": os.getenv("FILING_YEAR"), "changed_after": "{incremental.start_value}"},
                "incremental": {"cursor_path": "changed_at", "initial_value": dlt.config["filings.start"]},
                "paginator": OffsetPaginator(limit=250, offset_param="skip", limit_param="top", total_path=None),
                "response_actions": [{"status_code": 404, "action": "ignore"}],
            },
        },
        {
            **COMMON,
            "name": "annexes",
            "endpoint": {
                "path": "annexes",
                "data_selector": "$..value[?(@.id)]",
                "paginator": JSONResponseCursorPaginator(cursor_path="next[0]", cursor_param="c"),
            },
        },
        make_resource(),
    ],
)

source = rest_api_source(config)
