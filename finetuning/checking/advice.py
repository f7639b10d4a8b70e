"""Advice before money is spent, in plain words: whether to tune at all, with what settings, what to expect. Pure.

Sources, read 2026-11-23: a batch size of 0.2 % of the examples up to 256 and a multiplier of 0.05, 0.1 or 0.2 that
grows with it were the service's own defaults (openai-python, types/fine_tune.py). Azure's fine-tuning page still
suggests 0.02 to 0.2, larger with larger batches, while Microsoft's worked examples call the service's own rate 1.0: no
number fits every service. About the same gain for every doubling: openai-python 0.x, validators.py. Gains on surveys:
Suh et al. 2025, arXiv 2502.16761. Limit of a job: quotas page of Azure OpenAI.
"""

from typing import NamedTuple

from finetuning.checking.check_file import FileReport, ends_of

_SMALL, _MIDDLE, _LARGE = 100, 1_000, 10_000
_RARE_SHARE = 0.02
_BATCH_SHARE, _LARGEST_BATCH = 0.002, 256
_MOST_JOB_TOKENS = 2_000_000_000
_TOLD_APART = 0.02
_FEW_PER_QUESTION = 100
_MOST_LISTED = 20

_EXPECT = (
    (_SMALL, "the form of the answers to be learned, and hardly who answers what"),
    (_MIDDLE, "the form of the answers and a part of their shares; differences between groups need more examples"),
    (_LARGE, "shares near people's at the questions of this file, and some of the differences between groups"),
)
_EXPECT_MUCH = "shares near people's at the questions of this file, and differences between the larger groups"


class Suggested(NamedTuple):
    """Hyperparameters by the size of a file, for whoever sets them; the service's own are the first thing to try.

    Attributes:
        n_epochs: times that every example is seen.
        batch_size: examples per step.
        learning_rate_multiplier: on the scale of 0.02 to 0.2; on services whose own value is near 1, see `advice`.
    """

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float


def suggested(n_examples: int) -> Suggested:
    """Few examples are seen often, in small batches and slowly; many seldom, in large ones and faster."""
    epochs = 4 if n_examples < _SMALL else 3 if n_examples < _LARGE else 2
    batch = max(1, min(_LARGEST_BATCH, round(_BATCH_SHARE * n_examples)))
    return Suggested(epochs, batch, 0.05 if batch <= 4 else 0.1 if batch <= 32 else 0.2)


def training_usd(report: FileReport, *, n_epochs: int, usd_per_million: float | None) -> float | None:
    """Tokens x epochs x price; None without a price."""
    return None if usd_per_million is None else report.n_tokens * n_epochs * usd_per_million / 1e6


def advice(report: FileReport) -> list[str]:
    """Sentences for the person who decides."""
    if not report.n_examples:
        return []
    return [*_whether(report), *_settings(report), *_expectations(report), *_data(report)]


def _whether(report: FileReport) -> list[str]:
    n = report.n_examples
    if n < _SMALL:
        first = (
            f"{n} examples are few. Try a few-shot arm first: it costs no training, and often does as well below "
            "some hundred examples."
        )
    else:
        first = "Compare with a few-shot arm before you pay: tuning must beat it on held-out respondents."
    return [
        first,
        "Tuning teaches how answers are distributed, not facts: facts belong into the prompt, looked up when asked.",
    ]


def _settings(report: FileReport) -> list[str]:
    plan = suggested(report.n_examples)
    said = [
        f"Begin with {plan.n_epochs} epochs, leave batch size and learning rate to the service: it looks at the data.",
        f"If you set them, by the size of this file: batch size {plan.batch_size}, learning-rate multiplier "
        f"{plan.learning_rate_multiplier} where the service's scale is 0.02 to 0.2. Where its own value is near 1, "
        "change that by steps: half of it if validation loss rises while training loss falls, half as much again "
        "if both still fall at the end. One setting a run.",
    ]
    if report.n_tokens * plan.n_epochs > _MOST_JOB_TOKENS:
        said.append(
            f"{report.n_tokens * plan.n_epochs:,} tokens over all epochs: Azure takes {_MOST_JOB_TOKENS:,} a job at "
            "most. Take fewer epochs, or a sample of the respondents."
        )
    return said


def _expectations(report: FileReport) -> list[str]:
    n = report.n_examples
    expect = next((words for most, words in _EXPECT if n < most), _EXPECT_MUCH)
    said = [
        f"With {n:,} examples expect {expect}. Another doubling of the file brings about as much as the last one did.",
        "At best, tuning on very many survey answers was published to cut the distance to people's distributions by "
        "46 %. Single people stay hard to predict: the figure to look at is the gain over the demographic logit, "
        "which `evaluate` prints.",
    ]
    n_questions = len(report.answers)
    if n_questions > 1 and n / n_questions < _FEW_PER_QUESTION:
        said.append(f"That is {n / n_questions:,.0f} examples a question: what counts is how many a question has.")
    return said


def _data(report: FileReport) -> list[str]:
    said = []
    if report.n_ambiguous:
        said.append(
            f"{report.n_ambiguous:,} prompts have different answers: people alike disagree. No model can "
            f"be right on more than {report.noise_ceiling:.1%} of these lines; read probabilities, not single answers."
        )
        majority = sum(max(answers.values()) for answers in report.answers.values()) / report.n_examples
        if report.noise_ceiling - majority < _TOLD_APART:
            said.append(
                f"Always giving the commonest answer is right on {majority:.1%}: these prompts hardly tell people "
                "apart. More about each person in the prompt would bring more than tuning."
            )
    if report.n_identical:
        said.append(
            f"{report.n_identical:,} lines repeat another one. Of different people they are observations and stay; "
            "of one person they are duplicates."
        )
    rare = [
        f"{answer!r} to {ends_of(question)!r} ({count:,})"
        for question, answers in report.classes.items()
        for answer, count in answers.items()
        if count < _RARE_SHARE * sum(answers.values())
    ]
    if (most := max(map(len, report.classes.values()), default=0)) > _MOST_LISTED:
        said.append(
            f"A question has {most} different answers, and services list the log-probabilities of {_MOST_LISTED} at "
            "most: `covered_mass` of predictions says how much was seen."
        )
    if rare and len(rare) <= 20:
        said.append(f"Rare answers: {'; '.join(rare[:5])}. They stay rare: balancing would break the marginals.")
    return said
