import pytest

from survey.drafting.scale_guess import guessed_scale


@pytest.mark.parametrize(
    ("labels", "ordinal", "order"),
    [
        (["Excellent", "Good", "Only fair", "Poor"], True, None),
        (["Strongly agree", "Agree", "Disagree", "Strongly disagree"], True, None),
        (["Every day", "Several times a week", "Less often", "Never"], True, None),
        (["Better", "Worse", "About the same"], True, [1, 3, 2]),
        (["Increase", "Stay about the same", "Decrease"], True, None),
        (["Urban", "Suburban", "Rural"], False, None),
        (["Republican", "Democrat", "Independent voter", "Other"], False, None),
        (["Yes", "No"], False, None),
        (["", "", "", ""], True, None),
    ],
)
def test_labels_that_read_like_grades_form_a_scale(labels, ordinal, order):
    answers = list(enumerate(labels, start=1))

    assert guessed_scale(answers, "unknown") == (ordinal, order)


def test_codes_that_are_no_steps_form_no_scale():
    assert not guessed_scale([(1, ""), (2, ""), (50, "")], "unknown").is_ordinal


def test_file_that_says_ordinal_is_believed():
    assert guessed_scale([(1, "Gold"), (2, "Silver"), (3, "Bronze")], "ordinal").is_ordinal
