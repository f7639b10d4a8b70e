"""Position bias: do answers depend on where an option was shown? For arms that show options in several orders.

    position_share     share of answers that name the option shown at a place, `level` = place from 1 on
    position_expected  what it would be if only the option counted: the mean over tasks of the overall share of the
                       option that stood there
    first_option_bias  the first minus the second, at place 1

Every reply counts once, also those that are averaged into one distribution; unweighted.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.figures import MetricRow
from schemas import run_paths
from schemas.codebook import CodedVariable
from schemas.run import RunManifest
from storage.parts import open_table, read_table
from storage.runs import load_codebook, load_manifest
from storage.store import Store

Codes = npt.NDArray[np.int64]
COLUMNS = ["question_id", "arm", "option_order", "answer", "averaged"]
_NO_REPLY = "no reply was read"


def position_rows(store: Store, run_id: str, split: str = "all") -> list[MetricRow]:
    """Rows for every question and arm whose options stood in different orders; [] for a run without such arms.

    Raises:
        StoreError: the predictions are damaged.
    """
    arms = arms_in_orders(load_manifest(store, run_id))
    rel = run_paths.predictions(run_id)
    with open_table(store, rel) as file:
        wanted = [name for name in COLUMNS if name in file.schema_arrow.names]
    if not arms or len(wanted) < len(COLUMNS):
        return []
    table = read_table(store, rel, wanted)
    questions = load_codebook(store, run_id).questions
    rows: list[MetricRow] = []
    for arm in arms:
        of_arm = table.filter(pc.equal(table["arm"], arm))
        for name in pc.unique(of_arm["question_id"]).to_pylist():
            if questions[name].kind == "single" and questions[name].codes:
                part = of_arm.filter(pc.equal(of_arm["question_id"], name))
                rows += _rows(arm, questions[name], part, split)
    return rows


def arms_in_orders(manifest: RunManifest) -> list[str]:
    """Arms that show options in more than one order."""
    return [name for name, arm in manifest.study.arms.items() if arm.shuffle_options or arm.permutations is not None]


def _rows(arm: str, question: CodedVariable, part: pa.Table, split: str) -> Iterator[MetricRow]:
    orders, answers = _replies(part)
    for metric, level, value in position_figures(orders, answers, question.codes):
        place = (arm, question.name, split, metric, value, False)
        yield MetricRow(*place, reason=None if value is not None else _NO_REPLY, level=level, n=int(answers.size))


def position_figures(orders: Codes, answers: Codes, codes: list[int]) -> Iterator[tuple[str, str | None, float | None]]:
    """(metric, place, value).

    Args:
        orders: shape (n, K), codes as shown in each reply.
        answers: shape (n,), the code chosen.
        codes: of the question.
    """
    if not answers.size:
        yield "first_option_bias", None, None
        return
    overall = {code: float((answers == code).mean()) for code in codes}
    share_of = np.vectorize(lambda code: overall.get(int(code), 0.0), otypes=[np.float64])
    for place in range(orders.shape[1]):
        share = float((orders[:, place] == answers).mean())
        distinct, n = np.unique(orders[:, place], return_counts=True)
        expected = float(share_of(distinct) @ n / n.sum())
        yield "position_share", str(place + 1), share
        yield "position_expected", str(place + 1), expected
        if place == 0:
            yield "first_option_bias", None, share - expected


def _replies(part: pa.Table) -> tuple[Codes, Codes]:
    """Orders and answers of every reply that was read."""
    orders: list[list[int]] = []
    answers: list[int] = []
    told = zip(part["option_order"].to_pylist(), part["answer"].to_pylist(), part["averaged"].to_pylist(), strict=True)
    for order, answer, averaged in told:
        entries = [(order, answer)] if averaged is None else [(one["option_order"], one["answer"]) for one in averaged]
        for shown, code in entries:
            if code is not None:
                orders.append(shown)
                answers.append(code)
    return np.asarray(orders, dtype=np.int64), np.asarray(answers, dtype=np.int64)
