"""What a batch brought, as metrics count it: calls by how they ended, requests by outcome, tokens, cost. Pure."""

from collections import Counter
from dataclasses import dataclass, field

from workers.shards.landing import Answer

ANSWERED = "answered"
"""How a call ended that brought an answer; any other ended with the code of its error."""


@dataclass
class BatchCounts:
    """Of one harvest.

    Attributes:
        calls: lines that the service came to, by `answered` or the code of their error.
        requests: those that are over, by outcome: not what is asked again, not what has another turn.
    """

    calls: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    cost_usd: float = 0.0

    def add_call(self, answer: Answer) -> None:
        """One line, by what it alone cost."""
        failed = answer.outcome == "failed" and answer.error_code is not None
        self.calls[str(answer.error_code) if failed else ANSWERED] += 1
        self.tokens += tokens_of(answer)
        self.cost_usd += max(0.0, answer.cost_usd)


def tokens_of(answer: Answer) -> Counter[str]:
    """Kind -> tokens that were billed."""
    kinds = {"prompt": answer.prompt_tokens, "cached": answer.cached_tokens, "completion": answer.completion_tokens}
    return Counter({kind: n for kind, n in kinds.items() if n})
