"""The landed files of a night, laid out for dbt."""

import errno
import os

import pyarrow.parquet as pq
import pytest

from connectors.inputs import lay_out, resolve
from connectors.landing import landed_path
from connectors.pull import Pulled
from tests.declared import source_of
from tests.unit.conftest import DAY
from tests.unit.test_reading import record


@pytest.mark.parametrize("fault", [errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_where_no_link_can_be_made_the_landed_file_is_copied(
    tmp_path, make_dataset, deliver, settings, ledger, monkeypatch, fault
):
    def refuse(*_):
        raise OSError(fault, os.strerror(fault))

    dataset = make_dataset()
    key, _ = deliver(dataset, record())
    sources = [source_of(dataset)]
    supplied = resolve(sources, [Pulled(key.source, key.dataset, False, "landed")], ledger, settings, DAY)
    monkeypatch.setattr(os, "link", refuse)
    lay_out(tmp_path / "inputs", sources, supplied, settings.data_dir)
    (laid,) = (tmp_path / "inputs" / key.source / key.dataset).iterdir()
    assert pq.read_table(laid).equals(pq.read_table(landed_path(settings.data_dir, key.source, key.dataset, key.batch)))
