import json

import pytest

from producer.prompting.conversation import AGAIN, Conversation, Turn
from producer.prompting.pieces import Message, answer_piece, piece_of, plain
from producer.prompting.turns import Turns, call_tokens, next_messages
from schemas.identity import canonical_json

FIRST = [{"role": "system", "content": "Be them."}, {"role": "user", "content": "Who?"}]


def user(*parts: object) -> dict[str, object]:
    return {"role": "user", "content": list(parts) if len(parts) > 1 else parts[0]}


def turns_of(*later: object) -> str:
    return json.dumps([FIRST, *later])


def test_first_call_sends_the_first_messages():
    assert next_messages(turns_of([user("And now?")]), []) == FIRST


def test_later_call_goes_on_after_the_answers_so_far():
    sent = next_messages(turns_of([user("Times?")], [user("Question")]), ["a nurse", "hard"])

    assert sent == [
        *FIRST,
        {"role": "assistant", "content": "a nurse"},
        user("Times?"),
        {"role": "assistant", "content": "hard"},
        user("Question"),
    ]


def test_quoted_answer_is_put_in_as_it_is():
    hostile = '{{ 7 * 7 }} {% for x in y %} "\\ \u2028 {"again": 0}'

    sent = next_messages(turns_of([user("You said: ", 0, ".")]), [hostile])

    assert sent[-1]["content"] == f"You said: {hostile}."


def test_fresh_and_repeated_turns_see_no_earlier_answer():
    turns = turns_of({"fresh": [user("Other order")]}, {"again": 0}, {"again": 1})

    assert next_messages(turns, ["x"]) == [user("Other order")]
    assert next_messages(turns, ["x", "y"]) == FIRST
    assert next_messages(turns, ["x", "y", "z"]) == [user("Other order")]


@pytest.mark.parametrize(
    ("later", "outcome", "goes_on"),
    [
        pytest.param([[user("b")]], "ok", True, id="a step after an answer"),
        pytest.param([[user("b")]], "refused", False, id="no step after a refusal"),
        pytest.param([{"again": 0}], "refused", True, id="a sample after a refusal"),
        pytest.param([{"again": 0}], "failed", False, id="no sample after a failure"),
        pytest.param([], "ok", False, id="one turn"),
    ],
)
def test_what_follows_a_turn_depends_on_its_outcome(later, outcome, goes_on):
    assert (outcome in Turns(FIRST, tuple(later)).goes_on_after(0)) is goes_on


def test_asking_beyond_the_last_turn_is_an_error():
    with pytest.raises(IndexError):
        next_messages(turns_of(), ["answered"])


def message(role: str, *texts: str) -> Message:
    return Message(role, tuple(piece_of(text, len) for text in texts))


def test_conversation_is_canonical_json_of_what_turns_read():
    quoted = Message("user", (piece_of('You said "', len), answer_piece(0), piece_of('"\n', len)))
    talk = Conversation((message("system", "é"), message("user", "a", "b")), (Turn((quoted,)), AGAIN))

    text = talk.canonical()

    assert text == canonical_json(json.loads(text))
    assert next_messages(text, ["7"])[-1] == user('You said "7"\n')
    assert next_messages(text, ["7", "8"]) == plain(talk.first)


def test_estimates_of_calls_add_up_to_the_planned_sum():
    talk = Conversation(
        (message("system", "x" * 40), message("user", "y" * 400)),
        (Turn((message("user", "z" * 80),)), Turn((message("user", "q" * 120),))),
    )
    planned = talk.prompt_tokens(lambda _: 0, each_answer=100)
    turns = Turns.from_json(talk.canonical())

    texts, total = [], 0
    for _ in range(3):
        call = call_tokens(turns, texts, prompt=planned.total, completion=300, limit=1800)
        total += call.prompt
        assert (call.completion, call.limit) == (100, 600)
        texts.append("a" * 100)

    assert total == pytest.approx(planned.total, rel=0.01)
    assert planned.largest == 440 + 80 + 120 + 200


def test_request_of_one_turn_keeps_the_planned_tokens():
    call = call_tokens(Turns(FIRST), [], prompt=77, completion=2, limit=8)

    assert (call.prompt, call.completion, call.limit) == (77, 2, 8)
