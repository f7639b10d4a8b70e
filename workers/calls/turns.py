"""A request of several turns: each turn is a call that is settled and journalled on its own, the request their sum.

A holder that dies between two turns leaves the answers of the earlier ones in the journal; the next holder asks for
the open turn only. The journal keeps each call's own cost and tokens, so that nothing is counted twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from schemas.identity import call_id
from workers.calls.requests import PlannedRequest
from workers.calls.settle import settle
from workers.calls.settling import Settling
from workers.shards.journal import JournalState
from workers.shards.landing import Answer


class Lost(NamedTuple):
    """What the journals know of the calls of one request.

    Attributes:
        n: calls that may have been paid without an answer; `usd` their full price where a budget reserved it.
    """

    attempts: int
    n: int
    usd: float


async def settle_turns(request: PlannedRequest, work: Settling, state: JournalState) -> Answer:
    """The outcome of one request, from the turns in the journal and calls for the others.

    Raises:
        StopWork: no call may go out any more; what is journalled stays.
    """
    answers = known_turns(request, state.answers)
    while (call := next_call(request, answers)) is not None:
        answers.append(await settle(call, work, earlier_attempts=state.attempts[call.call_id]))
    return joined(request, answers)


def settled_answer(request: PlannedRequest, records: Mapping[str, Mapping[str, Any]]) -> Answer | None:
    """The outcome of a request from the journal alone; None if a turn is still to be asked."""
    answers = known_turns(request, records)
    return None if not answers or next_call(request, answers) is not None else joined(request, answers)


def known_turns(request: PlannedRequest, records: Mapping[str, Mapping[str, Any]]) -> list[Answer]:
    """Outcomes of the leading turns that the journal knows, in order."""
    answers: list[Answer] = []
    for call in calls_of(request):
        if call not in records:
            break
        answers.append(Answer.from_record(records[call]))
    return answers


def next_call(request: PlannedRequest, answers: Sequence[Answer]) -> PlannedRequest | None:
    """The call that is to follow; None if the request is over."""
    texts = [text_of(answer) for answer in answers]
    if answers:
        last = len(answers) - 1
        if request.turns is None or answers[last].outcome not in request.turns.goes_on_after(last):
            return None
    return request.call(texts)


def joined(request: PlannedRequest, answers: Sequence[Answer]) -> Answer:
    """The request's outcome: tokens, cost and attempts are sums, all else is that of the turn that ended it.

    Independent samples of which one was answered are `ok` as a whole; a sample without a text is "" among the texts.
    """
    if len(answers) == 1:
        return answers[0]
    last = answers[-1]
    is_sampled = request.turns is not None and request.turns.are_independent and last.outcome != "failed"
    served = next((answer for answer in answers if answer.outcome == "ok"), last) if is_sampled else last
    texts = tuple(text_of(answer) for answer in answers)
    return replace(
        served,
        turns=texts if is_sampled or last.turns else texts[:-1],
        cost_usd=sum(answer.cost_usd for answer in answers),
        attempts=sum(answer.attempts for answer in answers),
        created_at=last.created_at,
        logprobs=_all_logprobs(answers),
        prompt_tokens=_sum(answer.prompt_tokens for answer in answers),
        cached_tokens=_sum(answer.cached_tokens for answer in answers),
        completion_tokens=_sum(answer.completion_tokens for answer in answers),
        reasoning_tokens=_sum(answer.reasoning_tokens for answer in answers),
    )


def lost_of(request: PlannedRequest, state: JournalState) -> Lost:
    """Attempts and lost calls over all turns of a request."""
    calls = calls_of(request)
    return Lost(
        sum(state.attempts[call] for call in calls),
        sum(state.lost[call] for call in calls),
        sum(state.lost_usd[call] for call in calls),
    )


def calls_of(request: PlannedRequest) -> list[str]:
    """Ids of all calls that a request may have."""
    return [call_id(request.request_id, turn) for turn in range(request.n_turns)]


def text_of(answer: Answer) -> str:
    """What later turns see of an answer; "" if it has no text."""
    return answer.turns[-1] if answer.turns else ""


def _sum(values: Iterable[int | None]) -> int | None:
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


def _all_logprobs(answers: Sequence[Answer]) -> str | None:
    """Of several turns, a list of theirs in order, null where a turn has none."""
    given = ["null" if answer.logprobs is None else answer.logprobs for answer in answers]
    return None if set(given) == {"null"} else f"[{','.join(given)}]"
