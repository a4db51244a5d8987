"""The real population's cut from the real data."""

from collections import Counter

import pytest
from stdnum.cn import uscc as stdnum_uscc

from connectors.source_files import read_sources
from connectors.zone import read_zone
from sandbox import listed, serve

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def cut(real_data):
    return listed.cut(real_data)


def test_the_register_holds_389_companies_with_valid_codes(cut):
    usccs = [str(row["uscc"]) for row in cut.tables["science.enterprises"]]
    assert len(set(usccs)) == len(usccs) == 389
    assert all(stdnum_uscc.is_valid(uscc) for uscc in usccs)


def test_tax_holds_268_companies_with_three_years(cut):
    years = Counter(row["nsrsbh"] for row in cut.tables["tax.statements"])
    assert sum(years.values()) == 1_052
    assert sum(count == 3 for count in years.values()) >= 268


def test_talent_holds_all_companies_of_each_year(cut):
    rows = cut.tables["talent.headcounts"]
    assert Counter(row["统计月份"][:4] for row in rows) == {"2019": 3_450, "2020": 3_869, "2021": 4_268}
    assert len({row["单位编号"] for row in rows}) == 4_366


def test_the_known_faults_are_handed_on_as_they_are(cut):
    rows = {(row["单位编号"], row["统计月份"]): row for row in cut.tables["talent.headcounts"]}
    assert rows["000750", "2019-12-31"]["技术人员数"] == "1491543852576"
    assert any(row["yffy"] == "-1.0" for row in cut.tables["tax.statements"])


def test_credit_knows_55_companies_by_name_and_none_by_code(cut):
    events = cut.tables["credit.events"]
    assert (len(events), {event["uscc"] for event in events}) == (55, {None})


def test_a_folder_that_is_not_whole_is_said_so(tmp_path):
    with pytest.raises(listed.PopulationDataError, match="no listed_companies and no uscc"):
        listed.cut(tmp_path)


def test_the_zone_file_names_only_what_the_source_files_know(cut):
    zone = read_zone(serve.ZONE_FILE, read_sources())
    declared = {f"{source.name}.{table.name}" for source in read_sources() for table in source.datasets}
    silent = {a for a in declared if a in zone.not_supplied or a.partition(".")[0] in zone.not_supplied}
    assert declared - silent == set(cut.tables)
