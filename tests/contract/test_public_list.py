"""What is put up in public, and how far ranks depend on the weights, for the district."""

from tests.contract import programme_reference as reference
from tests.contract.district_night import DistrictNight


def test_the_public_list_is_the_first_percents_of_each_stage(night: DistrictNight):
    lists, bands = (reference.read_programme()[name] for name in ("public_lists", "public_list_bands"))
    (listed,) = (row for row in lists if reference.is_in_force(row, night.as_of))
    parts = sorted((float(row["top_pct"]), int(row["band_no"])) for row in bands if row["version"] == listed["version"])
    wanted = {}
    for uscc, stage, rank, peers in night.rows(
        "select uscc, stage, rank_in_stage, peers_in_stage from rankings where is_ranked"
    ):
        if inside := [number for pct, number in parts if rank <= int(peers * pct / 100)]:
            wanted[uscc] = (stage, inside[0])
    found = {uscc: (stage, band) for uscc, stage, band in night.rows("select uscc, stage, band_no from public_list")}
    assert found == wanted
    assert {band for _, band in found.values()} == {1, 2, 3}


def test_the_public_list_tells_no_points_and_no_ranks(night: DistrictNight):
    columns = {name for name, *_ in night.rows("describe public_list")}
    assert not {name for name in columns if "point" in name or "score" in name or "rank" in name}


def test_every_ranked_enterprise_has_an_interval_about_its_rank(night: DistrictNight):
    ranked = dict(night.rows("select uscc, rank_overall from rankings where is_ranked"))
    rows = list(
        night.rows(
            "select uscc, rank_overall, rank_overall_q5, rank_overall_q50, rank_overall_q95, band_kept_pct, draws"
            " from rank_intervals"
        )
    )
    assert {uscc: rank for uscc, rank, *_ in rows} == ranked
    assert all(1 <= low <= middle <= high <= len(ranked) for _, _, low, middle, high, *_ in rows)
    assert sum(low <= rank <= high for _, rank, low, _, high, *_ in rows) > 0.95 * len(rows)
    assert all(0 <= kept <= 100 and draws == 1000 for *_, kept, draws in rows)
    assert any(low < high for _, _, low, _, high, *_ in rows)
