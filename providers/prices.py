"""What a model costs: the models file's price, else the shipped price table; and the cost of a call."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from genai_prices import data_snapshot
from genai_prices.types import ConditionalPrice, ModelInfo, StartDateConstraint, TieredPrices

from providers.replies import Usage
from schemas.models import Model, Price

_PER_TOKENS = 1_000_000
_CHECKED_ON = re.compile(r"\b20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d)\b|\b20\d\d-(?:0[13578]|1[02])-3[01]\b")
_SNAPSHOT = re.compile(r"-20\d\d-\d\d-\d\d$")
_AZURE_TUNED = re.compile(r"\.ft-.*$")


def price_of(model: Model, *, at: datetime | None = None) -> Price | None:
    """The model's own price, else the shipped table's for its model id, None if neither knows one.

    A dated snapshot the table does not list takes the price of its undated id; a model tuned on Azure takes its base
    model's, which is what Azure bills a token at. Prices that grow with the prompt's length are taken at their base.

    Args:
        model: entry of the models file.
        at: moment the price holds for, aware; the present by default.
    """
    if model.price is not None:
        return model.price
    info = _find(model)
    return None if info is None else _to_price(info, at if at is not None else datetime.now(UTC))


def cost_usd(usage: Usage, price: Price, *, batch: bool = False) -> float:
    """US dollars of one call. Cached tokens cost the cached price; reasoning tokens are part of the completion.

    Args:
        usage: tokens as billed.
        price: US dollars per `per_tokens` tokens.
        batch: whether the call went through a batch; the factor applies to all three prices.
    """
    cached_input = price.input if price.cached_input is None else price.cached_input
    total = (
        (usage.prompt_tokens - usage.cached_tokens) * price.input
        + usage.cached_tokens * cached_input
        + usage.completion_tokens * price.output
    )
    return total / price.per_tokens * (price.batch_factor if batch else 1.0)


def _find(model: Model) -> ModelInfo | None:
    provider = "openai" if model.provider == "openai" else "azure"
    base = _AZURE_TUNED.sub("", model.model) if provider == "azure" else model.model
    for candidate in (base, _SNAPSHOT.sub("", base)):
        try:
            return data_snapshot.get_snapshot().find_provider_model(candidate, None, provider, None)[1]
        except LookupError:
            continue
    return None


def _to_price(info: ModelInfo, at: datetime) -> Price | None:
    listed = info.get_prices(at)
    given, taken = _dollars(listed.input_mtok), _dollars(listed.output_mtok)
    if given is None or taken is None:
        return None
    return Price(
        input=given,
        cached_input=_dollars(listed.cache_read_mtok),
        output=taken,
        per_tokens=_PER_TOKENS,
        as_of=_as_of(info, at),
    )


def _dollars(value: Decimal | TieredPrices | None) -> float | None:
    if value is None:
        return None
    return float(value.base if isinstance(value, TieredPrices) else value)


def _as_of(info: ModelInfo, at: datetime) -> date | None:
    """The last day on which the table says it looked at this model, None if it does not say."""
    text = info.price_comments if info.price_comments is not None else ""
    days = [date.fromisoformat(day) for day in _CHECKED_ON.findall(text)]
    days += [
        each.constraint.start_date
        for each in (info.prices if isinstance(info.prices, list) else [])
        if isinstance(each, ConditionalPrice) and isinstance(each.constraint, StartDateConstraint)
    ]
    return max((day for day in days if day <= at.date()), default=None)
