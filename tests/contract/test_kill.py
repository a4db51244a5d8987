"""A pull that is killed goes on behind the last page kept. All 60 pages: `python -m tests.kill_each_page`."""

import pytest

from tests.kill_each_page import PAGES, Sweep, may_be_fetched_again


@pytest.mark.parametrize(("connections", "pages"), [(1, (1, 2, 31, PAGES)), (4, (1, 17))])
def test_a_killed_pull_fetches_again_no_more_than_was_on_the_way(tmp_path, connections, pages):
    with Sweep(tmp_path, connections) as sweep:
        whole = sweep.kill_at(0)
        found = [sweep.kill_at(page) for page in pages]
    assert not whole.died
    assert all(one.died and one.landed == whole.landed and not one.missing for one in found)
    assert max(one.refetched for one in found) <= may_be_fetched_again(connections)
