import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.planning.shards import Lot, cut, grouped, shard_size

MODELS = st.lists(st.sampled_from([Lot("a"), Lot("a", "batch"), Lot("c")]), max_size=200)


@given(models=MODELS, size=st.integers(1, 20), group_rows=st.integers(1, 50))
def test_cut_keeps_every_request_once_in_order_one_model_a_shard_groups_whole(models, size, group_rows):
    rows = [(model, i) for i, model in enumerate(models)]

    groups = list(grouped(cut(rows, size), group_rows))

    shards = [shard for group in groups for shard in group]
    assert [shard.number for shard in shards] == list(range(len(shards)))
    for model in set(models):
        mine = [shard.rows for shard in shards if shard.lot == model]
        assert [i for part in mine for i in part] == [i for m, i in rows if m == model]
        assert all(len(part) == size for part in mine[:-1])
        assert 1 <= len(mine[-1]) <= size
    assert sum(len(shard.rows) for shard in shards) == len(rows)
    assert all(sum(len(shard.rows) for shard in group) >= group_rows for group in groups[:-1])


@pytest.mark.parametrize(
    ("setting", "n", "expected"),
    [
        pytest.param("auto", 0, 32, id="nothing"),
        pytest.param("auto", 1_000, 32, id="small"),
        pytest.param("auto", 28_130, 512, id="npors"),
        pytest.param("auto", 8_192, 128, id="a 64th"),
        pytest.param("auto", 12_287, 128, id="rounds down"),
        pytest.param("auto", 12_288, 256, id="rounds up"),
        pytest.param("auto", 10_000_000, 512, id="large"),
        pytest.param(1, 10_000_000, 1, id="as the study says"),
    ],
)
def test_shard_size_grows_with_the_run_between_its_bounds(setting, n, expected):
    assert shard_size(setting, n) == expected
