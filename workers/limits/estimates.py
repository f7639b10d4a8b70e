"""What a call will use of a quota that counts actual tokens: what calls of its question and strategy used so far."""

from collections import OrderedDict
from dataclasses import dataclass, field
from zlib import crc32

from workers.calls.requests import PlannedRequest

LEARN_AFTER = 8
"""Answers after which a mean is trusted; what the strategy used stands in for a question before, the plan for both."""
WEIGHT = 0.02
"""Of one new call in a running mean: about the last 50 calls count."""
UNSEEN_FACTOR, UNSEEN_TOKENS = 2, 16
"""Answers of which nothing is known may be so much longer than planned: better slow for a second than refused."""
MAX_QUESTIONS = 2000

_Kind = tuple[int, int]


@dataclass
class _Mean:
    value: float = 0.0
    n: int = 0

    def learn(self, value: float) -> None:
        self.n += 1
        self.value += max(WEIGHT, 1 / self.n) * (value - self.value)


@dataclass
class UsageEstimates:
    """Running means of one lane in this process: prompt tokens against the plan, and tokens of answers."""

    _prompt_ratio: _Mean = field(default_factory=_Mean)
    _strategies: dict[_Kind, _Mean] = field(default_factory=dict)
    _questions: OrderedDict[tuple[_Kind, int], _Mean] = field(default_factory=OrderedDict)

    def tokens(self, request: PlannedRequest) -> int:
        """Expected tokens of a call, prompt and answer."""
        prompt = request.prompt_tokens * (self._prompt_ratio.value if self._prompt_ratio.n >= LEARN_AFTER else 1.0)
        return int(prompt + self._completion(request) + 0.5)

    def learn(self, request: PlannedRequest, *, prompt_tokens: int, completion_tokens: int) -> None:
        """Take one finished call into account."""
        self._prompt_ratio.learn(prompt_tokens / max(1, request.prompt_tokens))
        self._strategies.setdefault(_kind(request), _Mean()).learn(completion_tokens)
        question = _question(request)
        mean = self._questions.setdefault(question, _Mean())
        mean.learn(completion_tokens)
        self._questions.move_to_end(question)
        if len(self._questions) > MAX_QUESTIONS:
            self._questions.popitem(last=False)

    def _completion(self, request: PlannedRequest) -> float:
        for mean in (self._questions.get(_question(request)), self._strategies.get(_kind(request))):
            if mean is not None and mean.n >= LEARN_AFTER:
                return mean.value
        limit = request.max_tokens - request.prompt_tokens
        unseen = UNSEEN_FACTOR * request.completion_tokens + UNSEEN_TOKENS
        return unseen if limit <= 0 else min(limit, unseen)


def _kind(request: PlannedRequest) -> _Kind:
    """An arm's expectation and limit: the same for all its requests, different between strategies of a model."""
    return request.completion_tokens, request.max_tokens - request.prompt_tokens


def _question(request: PlannedRequest) -> tuple[_Kind, int]:
    """The last message asks; personas and examples stand before it."""
    asked = request.messages[-1].get("content") if request.messages else ""
    return _kind(request), crc32(str(asked).encode())
