"""Checking a training file, whoever made it: every line once, then what only the whole file shows."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from finetuning.checking.common_texts import TextSample
from finetuning.checking.content_checks import content_problems, piece_facts, text_facts
from finetuning.checking.file_lines import BOM, Example, bare_answer, read_lines
from finetuning.checking.other_formats import other_format
from providers.tokens import TokenCounter
from schemas.errors import Problem, UserInputError
from storage.named_file import checked_file
from survey.codes.missing_labels import missing_kind

LEAST_EXAMPLES = 10
"""Source: fine-tuning guides of OpenAI and Azure OpenAI, read 2026-11-22."""
MOST_BYTES = 512_000_000
SHOWN_PER_CODE = 20
_CACHED_PIECES, _CACHED_TEXTS = 200_000, 2_000
_PER_MESSAGE, _REPLY = 4, 3
_MOST_CLASSES = 200
_SORTED_RATIO = 3.0
_LONGEST_LABEL = 60
_FEW_ANSWERS = 10
_HARDLY = 10


@dataclass
class FileReport:
    """What a file holds and what is wrong with it.

    Attributes:
        problems: with line numbers; of one kind at most SHOWN_PER_CODE, `n_by_code` counts all.
        answers: question -> answer -> lines; the question is the last line of the prompt that asks, "" if none does.
        noise_ceiling: best accuracy any model can reach on these lines, because same prompts have different answers.
    """

    path: Path
    n_lines: int = 0
    n_examples: int = 0
    n_bytes: int = 0
    is_chat: bool = True
    n_tokens: int = 0
    longest_tokens: int = 0
    n_over_window: int = 0
    n_prompts: int = 0
    n_ambiguous: int = 0
    n_identical: int = 0
    noise_ceiling: float = 1.0
    answers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    problems: list[Problem] = field(default_factory=list)
    n_by_code: Counter[str] = field(default_factory=Counter)
    n_errors: int = 0
    error_codes: set[str] = field(default_factory=set)

    @property
    def classes(self) -> dict[str, Counter[str]]:
        """As `answers`, without questions that people answer in their own words: these are nobody else's to read."""
        return {question: answers for question, answers in self.answers.items() if are_classes(answers)}

    def add(self, problem: Problem) -> None:
        """Keep a problem, or only count it."""
        self.n_by_code[problem.code] += 1
        if problem.level == "error":
            self.n_errors += 1
            self.error_codes.add(problem.code)
        if self.n_by_code[problem.code] <= SHOWN_PER_CODE:
            self.problems.append(problem)


def check_file(
    path: Path, *, model: str, window_tokens: int | None = None, held_out: Collection[bytes] = frozenset()
) -> FileReport:
    """Check a file.

    Args:
        path: JSON lines.
        model: id, for counting tokens.
        window_tokens: of the model; None: not checked.
        held_out: digests (`prompt_digest`) of prompts that only test respondents have.

    Raises:
        UserInputError: the file cannot be read.
    """
    return _Checker(path, model, window_tokens, held_out).report()


def prompt_digest(texts: tuple[str, ...]) -> bytes:
    """What a prompt is recognised by."""
    return blake2b("\x1e".join(texts).encode(errors="surrogatepass"), digest_size=12).digest()


class _Checker:
    def __init__(self, path: Path, model: str, window: int | None, held_out: Collection[bytes]) -> None:
        self._path, self._window, self._held_out = path, window, held_out
        counter = TokenCounter(model)
        self._count_tokens, self._sample = counter.count, TextSample()
        self._facts = lru_cache(maxsize=_CACHED_PIECES)(lambda text: piece_facts(text, counter.count))
        self._texts = lru_cache(maxsize=_CACHED_TEXTS)(lambda text: text_facts(text, self._facts))
        self._found = FileReport(path)
        self._prompts: dict[bytes, int] = {}
        self._pairs: Counter[tuple[int, int]] = Counter()
        self._answer_rank: dict[str, int] = {}
        self._systems: Counter[str] = Counter()
        self._forms: Counter[bool] = Counter()
        self._last_answer: dict[str, str] = {}
        self._n_same_as_last: Counter[str] = Counter()
        self._n_with_earlier = 0
        self._missing: dict[tuple[str, str], bool] = {}
        self._n_missing: Counter[str] = Counter()

    def report(self) -> FileReport:
        found, name = self._found, self._path.name
        try:
            found.n_bytes = checked_file(self._path).stat().st_size
        except OSError as e:
            reason = os.strerror(e.errno) if e.errno is not None else type(e).__name__
            raise UserInputError(f"the file cannot be read: {reason}.", where=str(self._path)) from e
        for read in read_lines(self._path):
            found.n_lines += 1
            if isinstance(read, Problem):
                found.add(read)
            else:
                self._example(read, name)
        found.is_chat = self._forms[True] >= self._forms[False]
        self._whole(name)
        return found

    def _example(self, example: Example, name: str) -> None:
        found = self._found
        found.n_examples += 1
        self._n_with_earlier += example.n_earlier_learned > 0
        self._forms[example.is_chat] += 1
        *before, last = example.prompt
        facts = [self._texts(text) for text in (*before, example.answer)]
        facts.append(text_facts(last, self._facts))
        tokens = sum(one.n_tokens for one in facts) + _PER_MESSAGE * len(example.prompt) + _REPLY
        found.n_tokens += tokens
        found.longest_tokens = max(found.longest_tokens, tokens)
        for problem in content_problems(example, facts, name):
            found.add(problem)
        if self._window is not None and tokens > self._window:
            found.n_over_window += 1
            hint = "The service cuts or refuses it; shorten it."
            what = f"the line has {tokens:,} tokens, the model's window {self._window:,}."
            found.add(Problem(what, f"{name}:{example.line}", hint, code="over_window"))
        self._count(example, name)

    def _count(self, example: Example, name: str) -> None:
        self._sample.offer(example)
        digest, answer = prompt_digest(example.prompt), bare_answer(example)
        if self._held_out and (digest in self._held_out or self._tells_of_one(example)):
            hint = "Train on training respondents only: what the model has seen proves nothing."
            what = "the prompt is a test respondent's."
            self._found.add(Problem(what, f"{name}:{example.line}", hint, code="leakage"))
        prompt = self._prompts.setdefault(digest, len(self._prompts))
        rank = self._answer_rank.setdefault(answer, len(self._answer_rank))
        self._pairs[prompt, rank] += 1
        self._systems[example.system] += 1
        question = _question(example.prompt[-1])
        self._n_missing[question] += self._is_missing(question, answer, example.prompt[-1])
        if len(self._found.answers) < _MOST_CLASSES or question in self._found.answers:
            self._found.answers[question][answer] += 1
        self._n_same_as_last[question] += self._last_answer.get(question) == answer
        self._last_answer[question] = answer

    def _tells_of_one(self, example: Example) -> bool:
        """One of its messages is a test respondent's, whatever stands before or behind it."""
        return any(prompt_digest((text,)) in self._held_out for text in example.prompt)

    def _is_missing(self, question: str, answer: str, asked: str) -> bool:
        """The answer, or the label of its code, reads like refused or not known; looked at once for each."""
        if len(answer) > _LONGEST_LABEL:
            return False
        known = self._missing.get((question, answer))
        if known is None:
            option = re.search(rf"^{re.escape(answer)}[.):] (.+)$", asked, re.MULTILINE) if answer else None
            label = option.group(1) if option is not None else answer
            known = missing_kind(label) is not None
            if len(self._missing) < _CACHED_PIECES:
                self._missing[question, answer] = known
        return known

    def _whole(self, name: str) -> None:
        found = self._found
        per_prompt: dict[int, int] = {}
        n_answers: Counter[int] = Counter()
        for (prompt, _), n in self._pairs.items():
            per_prompt[prompt] = max(per_prompt.get(prompt, 0), n)
            n_answers[prompt] += 1
        found.n_prompts = len(self._prompts)
        found.n_ambiguous = sum(n > 1 for n in n_answers.values())
        found.n_identical = found.n_examples - len(self._pairs)
        found.noise_ceiling = sum(per_prompt.values()) / found.n_examples if found.n_examples else 1.0
        if found.n_examples < LEAST_EXAMPLES:
            what = f"{found.n_examples} usable examples; the services want {LEAST_EXAMPLES} at least."
            found.add(Problem(what, name, "Hundreds are advised.", code="too_few"))
        if found.n_lines > _HARDLY * found.n_examples and (problem := other_format(self._path)) is not None:
            found.add(problem)
        if found.n_bytes > MOST_BYTES:
            found.add(Problem("the file is larger than 512 MB.", name, "Take a sample.", code="too_large"))
        if min(self._forms[True], self._forms[False]) > 0:
            found.add(Problem("chat lines and prompt lines are mixed.", name, "Keep one form.", code="mixed_forms"))
        if len(self._systems) > 1 and self._systems.most_common(1)[0][1] < found.n_examples:
            n = len(self._systems)
            hint = "Use the one that is used when asking."
            found.add(Problem(f"{n} different system messages.", name, hint, "warning", "several_systems"))
        if self._n_with_earlier:
            what = f"{self._n_with_earlier:,} lines have earlier assistant messages that are learned, too."
            hint = 'Give them "weight": 0 if they only belong to the prompt, as examples do.'
            found.add(Problem(what, name, hint, "note", "earlier_answers_learned"))
        self._order(name)
        self._classes(name)
        mean = found.n_tokens / found.n_examples if found.n_examples else 0.0
        for problem in self._sample.problems(name, self._count_tokens, mean_tokens=mean):
            found.add(problem)
        with self._path.open("rb") as file:
            if file.read(3) == BOM:
                what = "the file begins with a byte-order mark: Azure's pages ask for one, batches forbid it."
                found.add(Problem(what, name, level="note", code="bom"))

    def _order(self, name: str) -> None:
        n, same, expected = 0, 0, 0.0
        for question, answers in self._found.answers.items():
            total = sum(answers.values())
            if total < LEAST_EXAMPLES or len(answers) < 2:
                continue
            n += total
            same += total - 1 - self._n_same_as_last[question]
            expected += (total - 1) * (1 - sum((count / total) ** 2 for count in answers.values()))
        if n and same * _SORTED_RATIO < expected:
            hint = "Shuffle it: a sorted file cost a published classifier half its accuracy. `--fix` does."
            self._found.add(Problem("the lines look sorted by answer.", name, hint, code="not_shuffled"))

    def _classes(self, name: str) -> None:
        for question, n in self._n_missing.items():
            if n:
                what = f"{n:,} answers to {ends_of(question)!r} read like refused or not known."
                hint = "Leave out who gave no answer: the model would learn to give none."
                self._found.add(Problem(what, name, hint, "warning", "missing_answers"))
        for question, answers in self._found.answers.items():
            total = sum(answers.values())
            if len(answers) == 1 and total >= LEAST_EXAMPLES:
                what = f"all {total:,} lines of {ends_of(question)!r} have one answer."
                self._found.add(Problem(what, name, "There is nothing to learn.", "warning", "one_answer"))
            if len(answers) > 1 and total / len(answers) < LEAST_EXAMPLES:
                what = f"{len(answers)} different answers in {total:,} lines of {ends_of(question)!r}."
                hint = "Is this a class, or free text? Few lines a class teach little."
                self._found.add(Problem(what, name, hint, "warning", "many_answers"))


def are_classes(answers: Counter[str]) -> bool:
    """Whether answers look like those of a closed question: few of them, or each often."""
    return len(answers) <= _FEW_ANSWERS or sum(answers.values()) >= LEAST_EXAMPLES * len(answers)


def _question(prompt: str) -> str:
    start = prompt.rfind("Question:")
    return prompt[start:].partition("\n")[0] if start >= 0 else ""


def ends_of(question: str, width: int = 50) -> str:
    """Both ends of a long text: questions of a battery begin alike."""
    half = width // 2
    return question if len(question) <= width else f"{question[:half].rstrip()} ... {question[-half:].lstrip()}"
