"""The report in headless Chromium, and what must be in it. Without Chromium the browser tests fail, loudly."""

import json
import re

import numpy as np
import pytest

from evaluation.job import evaluate_run
from evaluation.reporting.report import LABEL, write_report
from tests.support.browser import chromium, opened_browser
from tests.support.runs_folder import ArmRows, RunFolder, variable

N = 600
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    rng = np.random.default_rng(3)
    questions = [
        variable("Q1", [1, 2, 3], scale="ordinal", text=HOSTILE),
        variable("Q2", [1, 2], labels={1: "Yes & no", 2: HOSTILE}),
    ]
    truth = {q.name: rng.integers(1, len(q.codes) + 1, N) for q in questions}
    truth["Q2"][:] = np.where(np.arange(N) < 20, 2, 1)
    arms = {f"arm{a}": {q: ArmRows(np.where(rng.random(N) < 0.4, t, 1)) for q, t in truth.items()} for a in range(3)}
    probabilities = [{int(t): 0.6, int(t) % 3 + 1: 0.4} for t in truth["Q1"]]
    arms["sure"] = {"Q1": ArmRows(truth["Q1"], probabilities=probabilities)}
    folder = RunFolder(
        questions=questions,
        truth=truth,
        arms=arms,
        fields={"F": rng.integers(1, 4, N).tolist()},
        groups={"G": np.where(np.arange(N) < 10, 9, rng.integers(1, 3, N)).tolist()},
        split=np.where(np.arange(N) % 3 == 0, "validation", "test"),
    )
    store = folder.write(tmp_path_factory.mktemp("store"))
    found = evaluate_run(store, "run-1")
    return write_report(store, "run-1", found), found


@pytest.fixture(scope="module")
def browser():
    assert chromium() is not None, "THE REPORT WAS NOT OPENED: install Debian's chromium package"
    with opened_browser() as found:
        yield found


def opened(browser, path, width, **more):
    page = browser.new_page(viewport={"width": width, "height": 850}, **more)
    told, asked = [], []
    page.on("console", lambda m: told.append(m.text))
    page.on("pageerror", lambda e: told.append(str(e)))
    page.on("request", lambda r: asked.append(r.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    return page, told, asked


def open_all(page):
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.wait_for_function("[...document.querySelectorAll('.chart')].every(c => c.querySelector('svg'))", polling=50)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_chart_is_drawn_without_an_error_or_a_request(made, browser, width, scheme):
    page, told, asked = opened(browser, made[0], width, color_scheme=scheme)

    open_all(page)

    assert told == []
    assert asked == [made[0].as_uri()]
    assert page.evaluate("document.querySelectorAll('.chart svg').length") >= 5
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_arm_picker_leaves_one_arm_in_tables_and_charts(made, browser):
    page, _, _ = opened(browser, made[0], 1280)
    open_all(page)

    page.select_option("#arm", "arm1")
    page.wait_for_function("!document.querySelector('.chart svg').textContent.includes('arm0')", polling=50)

    shown = page.evaluate(
        "[...document.querySelectorAll('#verdict tbody tr')].filter(r => !r.hidden).map(r => r.dataset.arm)"
    )
    assert set(shown) == {"arm1"}
    assert "people" in page.evaluate("document.querySelector('.chart svg').textContent")
    page.close()


def test_column_sorts_both_ways_by_keyboard(made, browser):
    page, _, _ = opened(browser, made[0], 1280)
    column = "[...document.querySelectorAll('#verdict tbody tr')].map(r => +r.cells[3].dataset.sort)"
    button = page.locator("#verdict thead button").nth(3)
    button.focus()

    page.keyboard.press("Enter")
    up = page.evaluate(column)
    page.keyboard.press("Enter")
    down = page.evaluate(column)

    assert up == sorted(up)
    assert down == sorted(down, reverse=True)
    assert button.locator("xpath=..").get_attribute("aria-sort") == "descending"
    page.close()


def test_labels_and_texts_of_others_cannot_become_markup(made):
    page = made[0].read_text(encoding="utf-8")

    assert HOSTILE not in page
    assert "<img src=x" not in page
    assert "default-src 'none'" in page


def test_page_is_small_names_no_address_and_labels_synthetic_figures(made):
    page = made[0].read_text(encoding="utf-8")
    ours = re.sub(r'<script type="module">.*?</script>', "", page, flags=re.S)

    assert len(page) < 3_000_000
    assert not re.findall(r'(?:src|href)="(?!data:|#)', ours)
    assert page.count(LABEL) > 3


def test_head_says_what_was_asked_of_whom_and_the_method_which_model_answered(made):
    page = made[0].read_text(encoding="utf-8")
    head, _, rest = page.partition("</header>")

    assert f"{N} respondents · 2 questions" in head
    assert "asked on 20" in head
    assert "arm0: " in rest.partition("<dt>arms</dt>")[2][:40]


def test_p_values_that_round_to_nothing_are_said_to_be_smaller(made):
    page = made[0].read_text(encoding="utf-8")

    assert re.search(r'data-label="McNemar p \(Holm\)">&lt; 0.0001<', page)


def test_arm_has_one_colour_in_every_chart(made):
    page = made[0].read_text(encoding="utf-8")
    specs = json.loads(re.search(r'id="specs">(.*?)</script>', page, re.S)[1])
    colours = {}
    for spec in specs.values():
        scale = next((s for s in _scales(spec) if "domain" in s and "range" in s), None)
        for arm, colour in zip(*(scale[k] for k in ("domain", "range")), strict=False) if scale else ():
            colours.setdefault(arm, set()).add(colour)

    assert {arm: len(found) for arm, found in colours.items() if arm.startswith("arm")} == dict.fromkeys(
        ["arm0", "arm1", "arm2"], 1
    )


def _scales(spec):
    return [layer["encoding"]["color"].get("scale", {}) for layer in spec["layer"] if "color" in layer["encoding"]]


def test_first_screen_says_the_verdict_before_any_table(made):
    page = made[0].read_text(encoding="utf-8")

    assert page.index("a plain logit of the same persona") < page.index("<table>")


def test_small_cells_are_suppressed_in_the_page(made):
    confusion = made[0].read_text(encoding="utf-8").partition("Confusion matrices")[2]

    assert "&lt; 30" in confusion
    assert "G 9" not in made[0].read_text(encoding="utf-8")
