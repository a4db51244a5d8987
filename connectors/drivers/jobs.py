"""Report jobs: a report is ordered, waited for and fetched. One page, whatever its form."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from connectors.drivers.http_call import Endpoint, Http
from connectors.drivers.listing import Answer, Listing, Question
from connectors.drivers.pages import Ask, Page
from connectors.errors import AgencyError, TransientError
from connectors.json_path import MissingFieldError, at_path
from connectors.spec import ReportJob

FEWEST_POLLS = 10
BUDGETS_TO_WAIT = 10
"""A report may take so many times the retry budget of one request: it is slow by nature, not by fault."""


def report(http: Http, job: ReportJob, download: Endpoint, listing: Listing, ask: Ask) -> Iterator[Page]:
    """The one page of a report. A process that died in the middle orders it anew.

    `download` is what is known of the file beforehand: its form, and the parameters that go with the order.
    """
    create = replace(
        download,
        path=job.create_path,
        shown=job.create_path,
        method="POST",
        body=job.create_body,
        decoder=None,
        may_be_empty=False,
        statuses=frozenset({200, 201, 202}),
    )
    ordered = http.at(create).ask(Question())
    name = _stated(listing, ordered, job.id, "id of the job")
    done = _wait(http, job, replace(create, method="GET", body={}, params={}), name, listing, ask)
    question = Question()
    if job.download_url is not None:
        link = _stated(listing, done, job.download_url, "address of the report")
        question = Question(link=listing.path_of(link, done.url))
    path = job.download_path or job.status_path
    target = replace(download, path=_filled(path, name, listing), shown=path, method="GET", body={}, params={})
    answer = http.at(target).ask(question)
    listing.records(answer)
    yield Page("report", answer.body, None, answer.value)


def _wait(http: Http, job: ReportJob, status: Endpoint, name: str, listing: Listing, ask: Ask) -> Answer:
    """Ask how the job goes until it is done. What is neither done nor failed is under way."""
    asker = http.at(replace(status, path=_filled(job.status_path, name, listing), shown=job.status_path))
    longest = max(FEWEST_POLLS * job.every_seconds, BUDGETS_TO_WAIT * ask.settings.retry_seconds)
    until = time.monotonic() + longest
    polls = 0
    while True:
        answer = asker.ask(Question())
        state = _stated(listing, answer, job.status, "state of the job")
        polls += 1
        if state in job.done:
            return answer
        if state in job.failed:
            raise AgencyError("the agency could not make the report.", ask.dataset.address, "ask them why it failed")
        if polls >= FEWEST_POLLS and time.monotonic() + job.every_seconds > until:
            raise TransientError(
                f"the report is not ready after {polls} looks in {longest:g} s.",
                ask.dataset.address,
                "run `jifen run` again: the report is ordered anew",
            )
        http.sleep(job.every_seconds)


def _stated(listing: Listing, answer: Answer, path: str, what: str) -> str:
    try:
        stated: Any = at_path(answer.value, path)
    except MissingFieldError:
        raise listing.refusal(f"no {what} at {path}") from None
    if isinstance(stated, bool) or not isinstance(stated, (str, int)) or str(stated) == "" or len(str(stated)) > 4096:
        raise listing.refusal(f"the {what} at {path} is neither text nor a number")
    return str(stated)


def _filled(path: str, name: str, listing: Listing) -> str:
    """The path with the job's id in it. An id of dots would climb to another path."""
    if not name.strip("."):
        raise listing.refusal("the id of the job is no name")
    return path.replace("{job}", quote(name, safe=""))
