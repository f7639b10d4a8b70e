"""Amounts of money as people read them."""

_CENTS_FROM_USD = 0.1
_LEAST_USD = 0.0001


def dollars(amount_usd: float) -> str:
    """`$1,234.57`; below ten cents four decimals, so that a small bill is a figure and not `$0.00`.

    What is not nothing never reads as nothing: `under $0.0001`.
    """
    if 0 < amount_usd < _LEAST_USD:
        return f"under ${_LEAST_USD}"
    return f"${amount_usd:,.2f}" if amount_usd >= _CENTS_FROM_USD or not amount_usd else f"${amount_usd:.4f}"
