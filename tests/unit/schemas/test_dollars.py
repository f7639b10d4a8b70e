import pytest

from schemas.dollars import dollars


@pytest.mark.parametrize(
    ("amount_usd", "told"),
    [
        (0.0, "$0.00"),
        (0.00001, "under $0.0001"),
        (0.00318, "$0.0032"),
        (0.5, "$0.50"),
        (1.0, "$1.00"),
        (1234.567, "$1,234.57"),
    ],
)
def test_an_amount_that_is_not_nothing_never_reads_as_nothing(amount_usd, told):
    assert dollars(amount_usd) == told
