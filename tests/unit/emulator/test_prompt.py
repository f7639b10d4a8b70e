from emulator.answering.prompt import read

ASK = "Question: How is the economy?\n1. Good\n2. Bad\n99. Refused to say\nAnswer with the number of one option only."


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def test_options_question_and_persona_come_from_the_last_user_message():
    asked = read([{"role": "system", "content": "Be this person."}, user(f"You are a man.\nYou are 41.\n\n{ASK}")])

    assert asked.persona == ("You are a man.", "You are 41.")
    assert asked.question == "How is the economy?"
    assert asked.codes == ("1", "2", "99")
    assert asked.labels == ("Good", "Bad", "Refused to say")
    assert not asked.wants_reason


def test_earlier_turns_are_examples_and_not_this_person():
    asked = read(
        [user(f"You are a nurse.\n\n{ASK}"), {"role": "assistant", "content": "2"}, user(f"You are old.\n\n{ASK}")]
    )

    assert asked.examples == ("2",)
    assert asked.persona == ("You are old.",)


def test_only_options_after_the_last_question_line_count():
    asked = read([user("Question: first?\n1. a\n2. b\nQuestion: second?\n3. c\n4. d")])

    assert asked.codes == ("3", "4")
    assert asked.question == "second?"


def test_system_message_is_the_persona_where_the_user_message_has_none():
    asked = read([{"role": "system", "content": "You are a woman."}, user(ASK)])

    assert asked.persona == ("You are a woman.",)


def test_answer_line_is_wanted_where_the_prompt_mentions_it():
    assert read([user(ASK + "\nEnd with ANSWER: <number>")]).wants_reason


def test_prompt_without_question_or_options_is_read_as_empty():
    asked = read([{"role": "system", "content": "Hi"}])

    assert (asked.codes, asked.question) == ((), "")


def test_persona_of_an_earlier_stage_is_this_person_s():
    first = user("You are a nurse.\nYou are 41.\n\nWho is this person?")
    asked = read([first, {"role": "assistant", "content": "Kind."}, user(ASK)])

    assert asked.persona == ("You are a nurse.", "You are 41.")
    assert read([first]).persona == ("You are a nurse.", "You are 41.")


def test_persona_after_the_options_is_read_without_the_instruction():
    asked = read([user(ASK.replace("Answer with", "\nYou are a nurse.\n\nAnswer with"))])

    assert asked.persona == ("You are a nurse.",)


def test_answers_of_an_interview_are_the_persona():
    turns = [user("Question: Where do you live?"), {"role": "assistant", "content": "In town"}]

    assert read([*turns, user(ASK)]).persona == ("Where do you live? In town",)
