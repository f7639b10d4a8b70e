"""What a call will use of a quota that counts actual tokens: learned from what calls of the same kind used so far."""

from dataclasses import dataclass

LEARN_AFTER = 20
WEIGHT = 0.02
"""Of one new call in the running mean: about the last 50 calls count."""


@dataclass
class UsageEstimate:
    """Running ratio of used to planned tokens of one model in this process."""

    prompt_ratio: float = 1.0
    completion_ratio: float = 1.0
    n: int = 0

    def tokens(self, prompt_tokens: int, completion_tokens: int) -> int:
        """Expected use of a call with this plan; the plan itself until enough was seen."""
        if self.n < LEARN_AFTER:
            return prompt_tokens + completion_tokens
        return int(prompt_tokens * self.prompt_ratio + completion_tokens * self.completion_ratio + 0.5)

    def learn(self, *, planned: tuple[int, int], used: tuple[int, int]) -> None:
        """Take one finished call into account."""
        self.n += 1
        weight = max(WEIGHT, 1 / self.n)
        self.prompt_ratio += weight * (used[0] / max(1, planned[0]) - self.prompt_ratio)
        self.completion_ratio += weight * (used[1] / max(1, planned[1]) - self.completion_ratio)
