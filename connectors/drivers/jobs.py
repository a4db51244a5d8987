"""Report jobs: a report is ordered, waited for and fetched. One page, whatever its form."""

import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from connectors.drivers.http_call import Endpoint
from connectors.drivers.listing import Answer, Listing, Question
from connectors.drivers.pages import Ask, Page
from connectors.errors import AgencyError, TransientError
from connectors.json_path import found_at
from connectors.spec import ReportJob

FEWEST_POLLS = 10
"""So often the state is asked for, however short the budget is."""

BUDGETS_TO_WAIT = 10
"""A report may take so many times the retry budget of one request: it is slow by nature, not by fault."""


def report(job: ReportJob, download: Endpoint, listing: Listing, ask: Ask) -> Iterator[Page]:
    """The one page of a report. After a process died in the middle, the next one orders it anew.

    `download` is what is known of the file beforehand: its form, and the parameters that go with the order.
    """
    order = replace(
        download,
        path=job.create_path,
        shown=job.create_path,
        method="POST",
        body=job.create_body,
        decoder=None,
        may_be_empty=False,
        statuses=frozenset({200, 201, 202}),
    )
    name = _stated(listing, order.ask(Question()), job.id, "id of the job")
    if not name.strip("."):
        # Dots alone would lead to another path.
        raise listing.refusal("the id of the job is no name")
    done = _wait(job, _filled(order, job.status_path, name), listing, ask)
    question = Question()
    if job.download_url is not None:
        link = _stated(listing, done, job.download_url, "address of the report")
        question = Question(link=listing.path_of(link, done.url))
    answer = _filled(download, job.download_path or job.status_path, name).ask(question)
    listing.records(answer)
    yield Page("report", answer.body, None, answer.value)


def _wait(job: ReportJob, status: Endpoint, listing: Listing, ask: Ask) -> Answer:
    """Ask how the job goes until it is done. What is neither done nor failed is under way."""
    longest = max(FEWEST_POLLS * job.every_seconds, BUDGETS_TO_WAIT * ask.settings.retry_seconds)
    until, polls = time.monotonic() + longest, 0
    while True:
        answer = status.ask(Question())
        state = _stated(listing, answer, job.status, "state of the job")
        polls += 1
        if state in job.done:
            return answer
        if state in job.failed:
            raise AgencyError("the agency could not make the report.", listing.where, "ask them why it failed")
        if polls >= FEWEST_POLLS and time.monotonic() + job.every_seconds > until:
            what = f"the report is not ready after {polls} looks in {longest:g} s."
            raise TransientError(what, listing.where, "run `jifen run` again: the report is ordered anew")
        status.http.stop.wait(job.every_seconds)


def _stated(listing: Listing, answer: Answer, path: str, what: str) -> str:
    stated = found_at(answer.value, path)
    if isinstance(stated, bool) or not isinstance(stated, (str, int)) or not 0 < len(str(stated)) <= 4096:
        raise listing.refusal(f"there is no {what} at {path}, as text or number")
    return str(stated)


def _filled(endpoint: Endpoint, path: str, name: str) -> Endpoint:
    """Where to ask about the job of this name."""
    there = path.replace("{job}", quote(name, safe=""))
    return replace(endpoint, path=there, shown=path, method="GET", body={}, params={})
