"""dlt's own `rest_api` source, told as its documentation has it: the plan on stdin, records to a file of JSON lines."""

import json
import sys
from pathlib import Path

from dlt.common.configuration.specs import configspec
from dlt.sources.helpers.rest_client.auth import AuthConfigBase, OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, PageNumberPaginator
from dlt.sources.rest_api import rest_api_source
from signing import signed_headers


@configspec
class Signed(AuthConfigBase):
    app_key: str = ""
    app_secret: str = ""

    def __call__(self, request):
        request.headers.update(signed_headers(request.method, request.url, request.body, self.app_key, self.app_secret))
        return request


def auth_of(auth):
    match auth["kind"]:
        case "oauth":
            return OAuth2ClientCredentials(
                access_token_url=auth["url"], client_id=auth["id"], client_secret=auth["secret"]
            )
        case "api_key":
            return {"type": "api_key", "name": auth["header"], "api_key": auth["key"], "location": "header"}
    return Signed(app_key=auth["id"], app_secret=auth["secret"])


def paginator_of(stream):
    if stream["kind"] == "keyset":
        cursor = f"{stream['records']}[-1].{stream['cursor']}"
        return JSONResponseCursorPaginator(cursor_path=cursor, cursor_param=stream["param"])
    return PageNumberPaginator(base_page=1, page_param=stream["param"], total_path=None)


def resource_of(stream):
    endpoint = {
        "path": stream["path"].lstrip("/"),
        "params": {stream["size_param"]: stream["size"]},
        "paginator": paginator_of(stream),
        "data_selector": stream["records"],
    }
    return {"name": stream["name"], "endpoint": endpoint}


def main(out):
    for agency in json.load(sys.stdin):
        client = {"base_url": agency["url"], "auth": auth_of(agency["auth"])}
        source = rest_api_source({"client": client, "resources": [resource_of(one) for one in agency["streams"]]})
        for name, resource in source.resources.items():
            for record in resource:
                line = {"dataset": f"{agency['name']}.{name}", "record": record}
                out.write(json.dumps(line, ensure_ascii=False) + "\n")


with Path(sys.argv[1]).open("w", encoding="utf-8") as file:
    main(file)
