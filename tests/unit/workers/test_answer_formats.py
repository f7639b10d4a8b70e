"""Readers of every format against plain, wrong and hostile replies."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.answer_format import AnswerFormat
from workers.reading.answers import REASONS, Choice, Number, Offered, Several, Unparsed, Words, read_answer

LABELS = {1: "Excellent", 2: "Good", 3: "Only fair, so-so", 8: "None of these"}
OFFERED = Offered(LABELS, (3, 1, 2, 8))
HOURS = Offered({}, (), minimum=0, maximum=24, whole=True, unit="hours")
OPEN = Offered({1: "Economy", 2: "Health"}, (), coding={1: ["price*", "jobs"], 2: ["doctor*", "santé"]})
SHAPES = [
    AnswerFormat(asked, form, is_reasoned=reasoned)
    for asked in ("single", "several", "numeric", "open")
    for form in ("number", "label", "letter", "json")
    for reasoned in (False, True)
]


def shape(asked="single", form="number", *, reasoned=False):
    return AnswerFormat(asked, form, is_reasoned=reasoned)


def offered_for(asked):
    return {"numeric": HOURS, "open": OPEN}.get(asked, OFFERED)


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        pytest.param("letter", "B", Choice(1), id="letter by place shown"),
        pytest.param("letter", "(c).", Choice(2), id="lower case in brackets"),
        pytest.param("letter", "A. Only fair, so-so", Choice(3), id="letter and its label"),
        pytest.param("letter", "A. Good", Unparsed("no_letter"), id="letter and another label"),
        pytest.param("letter", "E", Unparsed("no_letter"), id="letter not shown"),
        pytest.param("letter", "A or B", Unparsed("no_letter"), id="two letters"),
        pytest.param("letter", "2", Unparsed("no_letter"), id="code instead of a letter"),
        pytest.param("label", "«good»", Choice(2), id="quoted label"),
        pytest.param("label", "- Excellent", Unparsed("no_label"), id="dash is not part of a label"),
        pytest.param("label", "Good, I think", Unparsed("no_label"), id="label in prose"),
        pytest.param("label", "2", Unparsed("no_label"), id="code instead of a label"),
        pytest.param("json", '{"answer": 2}', Choice(2), id="object"),
        pytest.param("json", '```json\n{"answer": "2"}\n```', Choice(2), id="fenced, code as text"),
        pytest.param("json", 'Sure: {"answer": 2}', Unparsed("no_json"), id="object in prose"),
        pytest.param("json", '{"answer": 2} {"answer": 3}', Unparsed("no_json"), id="two objects"),
        pytest.param("json", '{"answer": 2, "answer": 3}', Unparsed("no_json"), id="key twice"),
        pytest.param("json", '{"answer": 2, "also": 3}', Unparsed("no_json"), id="further key"),
        pytest.param("json", '{"answer": true}', Unparsed("no_json"), id="true is no code"),
        pytest.param("json", '{"answer": 2.0}', Unparsed("no_json"), id="fraction"),
        pytest.param("json", '{"answer": 5}', Unparsed("code_not_offered"), id="code not offered"),
        pytest.param("json", "[" * 90_000, Unparsed("no_json"), id="nested without end"),
    ],
)
def test_one_option_is_read_in_its_form_only(form, text, expected):
    assert read_answer(text, shape(form=form), OFFERED) == expected


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        pytest.param("number", "1, 3", Several((1, 3)), id="codes"),
        pytest.param("number", "3 and 1", Several((1, 3)), id="codebook order"),
        pytest.param("number", "1, 1", Several((1,)), id="repeated"),
        pytest.param("number", "NONE.", Several(()), id="none"),
        pytest.param("number", "1, 7", Unparsed("code_not_offered"), id="one was not offered"),
        pytest.param("number", "1, maybe 3", Unparsed("no_list"), id="prose between"),
        pytest.param("number", "13", Unparsed("code_not_offered"), id="codes run together"),
        pytest.param("letter", "A, D", Several((3, 8)), id="letters by place"),
        pytest.param("label", "Good; Only fair, so-so", Several((2, 3)), id="label with a comma"),
        pytest.param("label", "None of these", Several((8,)), id="an option called none"),
        pytest.param("json", '{"answer": [3, 1]}', Several((1, 3)), id="list"),
        pytest.param("json", '{"answer": []}', Several(()), id="empty list"),
        pytest.param("json", '{"answer": 3}', Unparsed("no_json"), id="no list"),
    ],
)
def test_several_options_are_read_in_codebook_order(form, text, expected):
    assert read_answer(text, shape("several", form), OFFERED) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("7", Number(7), id="number"),
        pytest.param(" 7 hours.", Number(7), id="with the unit"),
        pytest.param("٧", Number(7), id="digit of another script"),
        pytest.param("25", Unparsed("out_of_bounds"), id="above, never clipped"),
        pytest.param("-1", Unparsed("out_of_bounds"), id="below"),
        pytest.param("7.5", Unparsed("not_whole"), id="half"),
        pytest.param("7 or 8", Unparsed("no_number"), id="two numbers"),
        pytest.param("7 days", Unparsed("no_number"), id="another unit"),
        pytest.param("seven", Unparsed("no_number"), id="word"),
        pytest.param("1e1", Unparsed("no_number"), id="exponent"),
        pytest.param("NaN", Unparsed("no_number"), id="no number"),
    ],
)
def test_number_is_read_within_its_bounds(text, expected):
    assert read_answer(text, shape("numeric"), HOURS) == expected


@pytest.mark.parametrize("text", ["1,5", "1,500"])
def test_number_with_a_comma_is_ambiguous_unless_whole_numbers_are_asked_for(text):
    open_ended = Offered({}, (), minimum=0, maximum=5000, whole=False)

    assert read_answer(text, shape("numeric"), open_ended) == Unparsed("no_number")
    assert read_answer("1,500", shape("numeric"), open_ended._replace(whole=True)) == Number(1500)


def test_own_words_are_kept_and_coded_by_whole_words():
    assert read_answer(" Prices, mostly. ", shape("open"), OPEN) == Words("Prices, mostly.", 1)
    assert read_answer("La SANTE avant tout", shape("open"), OPEN) == Words("La SANTE avant tout", 2)
    assert read_answer("Steve Jobson", shape("open"), OPEN).code is None
    assert read_answer('{"answer": "Jobs"}', shape("open", "json"), OPEN) == Words("Jobs", 1)


def test_answer_line_serves_every_kind():
    assert read_answer("2 reasons.\nANSWER: B", shape(form="letter", reasoned=True), OFFERED) == Choice(1)
    assert read_answer("hm\nANSWER: 1, 3", shape("several", reasoned=True), OFFERED) == Several((1, 3))
    assert read_answer("hm\nANSWER: 7", shape("numeric", reasoned=True), HOURS) == Number(7)
    assert read_answer("hm 7", shape("numeric", reasoned=True), HOURS) == Unparsed("no_answer_line")


REFUSALS = st.sampled_from(
    [
        "I'm sorry, but I can't help with that.",
        "As an AI language model, I do not have personal opinions on 1, 2 or 3.",
        "Je préfère ne pas répondre.",
        "Lo siento, no puedo responder a esa pregunta.",
        "抱歉,我无法回答这个问题。",
        "آسف، لا أستطيع الإجابة",
        "I would rather not say; of 3 options none is right, and 2 of them offend me.",
        "",
        " \n\t ",
        "?",
    ]
)


@pytest.mark.parametrize("wanted", [s for s in SHAPES if s.asked != "open"], ids=lambda s: f"{s.name}")
@settings(max_examples=20)
@given(text=REFUSALS)
def test_refusals_in_many_words_are_never_an_answer(wanted, text):
    read = read_answer(text, wanted, offered_for(wanted.asked))

    assert isinstance(read, Unparsed)
    assert read.reason in REASONS


HOSTILE = st.one_of(
    st.text(),
    st.lists(st.integers(-9, 99), min_size=2).map(lambda ns: " ".join(map(str, ns))),
    st.text(st.characters(categories=["Nd", "No", "Nl"]), min_size=1, max_size=12),
    st.sampled_from(sorted(LABELS.values())).map(lambda label: f'They said "{label}" but I would not.'),
    st.dictionaries(st.sampled_from(["answer", "analysis", "x"]), st.one_of(st.integers(), st.text(), st.none())).map(
        json.dumps
    ),
    st.integers(-(10**30), 10**30).map(lambda n: json.dumps({"answer": n})),
    st.text(max_size=5).map(lambda t: f"ANSWER: {t}\nANSWER:\nanswer: {t}{t}"),
    st.just("9" * 100_000),
    st.just('{"answer":' + "9" * 99_000 + "}"),
)


@pytest.mark.parametrize("wanted", SHAPES, ids=lambda s: f"{s.name}{'+' if s.is_reasoned else ''}")
@settings(max_examples=50)
@given(text=HOSTILE)
def test_hostile_text_never_fails_and_never_gives_what_was_not_offered(wanted, text):
    read = read_answer(text, wanted, offered_for(wanted.asked))

    match read:
        case Choice(code):
            assert code in LABELS
        case Several(codes):
            assert set(codes) <= set(LABELS)
            assert list(codes) == [code for code in LABELS if code in codes]
        case Number(value):
            assert 0 <= value <= 24
            assert value == int(value)
        case Words(words, code):
            assert words.strip()
            assert code in (None, 1, 2)
        case Unparsed(reason):
            assert reason in REASONS


@given(st.lists(st.sampled_from(sorted(LABELS)), min_size=2, max_size=4, unique=True))
def test_prose_with_several_offered_codes_is_no_single_choice(codes):
    text = f"Either {codes[0]} or {codes[1]}."

    assert isinstance(read_answer(text, shape(), OFFERED), Unparsed)
