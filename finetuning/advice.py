"""Advice before money is spent, in plain words: whether to tune at all, how long, and what to expect. Pure."""

from typing import NamedTuple

from finetuning.check_file import FileReport

_SMALL, _LARGE = 100, 10_000
_RARE_SHARE = 0.02


class Suggested(NamedTuple):
    """Hyperparameters to begin with; None: leave it to the service."""

    n_epochs: int
    batch_size: int | None
    learning_rate_multiplier: float | None


def suggested(n_examples: int) -> Suggested:
    """By the number of examples: few are seen often, many seldom."""
    if n_examples < _SMALL:
        return Suggested(4, 1, None)
    if n_examples < _LARGE:
        return Suggested(3, None, None)
    return Suggested(2, None, None)


def training_usd(report: FileReport, *, n_epochs: int, usd_per_million: float | None) -> float | None:
    """Tokens x epochs x price; None without a price."""
    return None if usd_per_million is None else report.n_tokens * n_epochs * usd_per_million / 1e6


def advice(report: FileReport) -> list[str]:
    """Sentences for the person who decides."""
    n, plan = report.n_examples, suggested(report.n_examples)
    said = []
    if n < _SMALL:
        said.append(
            f"{n} examples are few. Try a few-shot arm first: it costs no training, and often does as well below "
            "some hundred examples."
        )
    else:
        said.append("Compare with a few-shot arm before you pay: tuning must beat it on held-out respondents.")
    said.append("Tuning teaches how answers are distributed, not facts: facts belong into the prompt.")
    batch = "the service's own batch size" if plan.batch_size is None else f"batch size {plan.batch_size}"
    said.append(f"Begin with {plan.n_epochs} epochs, {batch} and the service's own learning rate.")
    if report.n_ambiguous:
        said.append(
            f"The same prompt has different answers {report.n_ambiguous:,} times: people alike disagree. No model can "
            f"be right on more than {report.noise_ceiling:.1%} of these lines; read probabilities, not single answers."
        )
    if report.n_identical:
        said.append(
            f"{report.n_identical:,} lines repeat another one. Of different people they are observations and stay; "
            "of one person they are duplicates."
        )
    rare = [
        f"{answer!r} to {question[:40]!r} ({count:,})"
        for question, answers in report.answers.items()
        for answer, count in answers.items()
        if count < _RARE_SHARE * sum(answers.values())
    ]
    if rare and len(rare) <= 20:
        said.append(f"Rare answers: {'; '.join(rare[:5])}. They stay rare: balancing would break the marginals.")
    return said
