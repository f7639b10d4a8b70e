"""A second, independent computation of every deterministic metric, written from the formulas alone.

It reads predictions.parquet and respondents.parquet row by row in plain Python and shares no code with the room it
checks: no numpy, no scikit-learn, none of its modules but the job that is judged.
"""

import math
from collections import Counter, defaultdict

import pyarrow.parquet as pq
import pytest

from evaluation.job import evaluate_run
from schemas import run_paths
from storage.runs import load_codebook

TOLERANCE = 1e-6


class Second:
    """Figures of one question and arm, weighted or not, from (truth, answer, weight, probabilities) rows."""

    def __init__(self, rows, codes, order, ordinal, cut):
        self.rows = [r for r in rows if r[0] is not None]
        self.codes, self.order, self.ordinal, self.cut = codes, order, ordinal, cut
        self.rank = {code: i for i, code in enumerate(order)}
        self.total = sum(r[2] for r in self.rows)
        self.valid = [r for r in self.rows if r[1] is not None]
        self.valid_total = sum(r[2] for r in self.valid)
        self.p = {c: sum(w for t, _, w, _ in self.rows if t == c) / self.total for c in codes}
        self.s = {c: sum(w for _, a, w, _ in self.valid if a == c) / self.valid_total for c in codes}
        told = [r for r in self.rows if r[3]]
        self.has_p = bool(told)
        self.told = told
        if told:
            mass = sum(r[2] for r in told)
            self.s_arg = self.s
            self.s = {c: sum(w * q.get(c, 0.0) for _, _, w, q in told) / mass for c in codes}

    def figures(self):
        out = {("coverage", None, None): self.valid_total / self.total}
        for form, rows, total in (("strict", self.rows, self.total), ("valid", self.valid, self.valid_total)):
            out |= self._of_form(form, rows, total)
        out |= self._by_code_precision()
        out |= self._kappas()
        out |= self._distribution(self.s, "")
        if self.has_p:
            out |= self._distribution(self.s_arg, "argmax_")
            out |= self._probability()
        return out

    def _of_form(self, form, rows, total):
        hits = sum(w for t, a, w, _ in rows if t == a)
        out = {("accuracy", form, None): hits / total}
        f1s, weighted_f1, recalls = [], 0.0, []
        for c in self.codes:
            n = sum(w for t, _, w, _ in rows if t == c)
            hit = sum(w for t, a, w, _ in rows if t == c == a)
            predicted = sum(w for _, a, w, _ in rows if a == c)
            f1 = 2 * hit / (n + predicted) if n + predicted else 0.0
            f1s.append(f1)
            weighted_f1 += n * f1 / total
            out[("f1", form, str(c))] = f1
            if n:
                recalls.append(hit / n)
            out[("recall", form, str(c))] = hit / n if n else None
        out[("macro_f1", form, None)] = sum(f1s) / len(f1s)
        out[("weighted_f1", form, None)] = weighted_f1
        out[("balanced_accuracy", form, None)] = sum(recalls) / len(recalls)
        if self.ordinal:
            out |= self._ordered(form, rows, total)
        if self.cut is not None:
            lower = set(self.order[: self.order.index(self.cut) + 1])
            same = sum(w for t, a, w, _ in rows if a is not None and (t in lower) == (a in lower))
            out[("binary_cut_accuracy", form, None)] = same / total
        return out

    def _ordered(self, form, rows, total):
        k, cost, near = len(self.codes), 0.0, 0.0
        for t, a, w, _ in rows:
            r = self.rank[t]
            distance = abs(r - self.rank[a]) if a is not None else max(r, k - 1 - r)
            cost += w * distance
            near += w * (a is not None and distance <= 1)
        out = {("mae_rank", form, None): cost / total, ("mae_rank_normalised", form, None): cost / total / (k - 1)}
        out[("adjacent_accuracy", form, None)] = near / total if k > 2 else None
        return out

    def _by_code_precision(self):
        out = {}
        for c in self.codes:
            predicted = sum(w for _, a, w, _ in self.valid if a == c)
            hit = sum(w for t, a, w, _ in self.valid if t == c == a)
            out[("precision", None, str(c))] = hit / predicted if predicted else None
        return out

    def _kappas(self):
        joint = defaultdict(float)
        for t, a, w, _ in self.valid:
            joint[(t, a)] += w / self.valid_total
        row = {c: sum(v for (t, _), v in joint.items() if t == c) for c in self.codes}
        col = {c: sum(v for (_, a), v in joint.items() if a == c) for c in self.codes}
        chance = sum(row[c] * col[c] for c in self.codes)
        agree = sum(joint[(c, c)] for c in self.codes)
        out = {("kappa", "valid", None): None if math.isclose(chance, 1) else (agree - chance) / (1 - chance)}
        if self.ordinal:
            cost = sum(v * (self.rank[t] - self.rank[a]) ** 2 for (t, a), v in joint.items())
            expected = sum(row[t] * col[a] * (self.rank[t] - self.rank[a]) ** 2 for t in self.codes for a in self.codes)
            out[("quadratic_kappa", "valid", None)] = 1 - cost / expected if expected else None
        used_rows, used_cols = [c for c in self.codes if row[c] > 0], [c for c in self.codes if col[c] > 0]
        small = min(len(used_rows), len(used_cols))
        if small < 2:
            out[("cramers_v", "valid", None)] = None
        else:
            pairs = [(t, a) for t in used_rows for a in used_cols]
            phi2 = sum((joint[(t, a)] - row[t] * col[a]) ** 2 / (row[t] * col[a]) for t, a in pairs)
            out[("cramers_v", "valid", None)] = math.sqrt(phi2 / (small - 1))
        return out

    def _distribution(self, s, prefix):
        p, out = self.p, {}
        middle = {c: (p[c] + s[c]) / 2 for c in self.codes}

        def kl(x):
            return sum(x[c] * math.log2(x[c] / middle[c]) for c in self.codes if x[c] > 0)

        def entropy(x):
            return -sum(x[c] * math.log2(x[c]) for c in self.codes if x[c] > 0)

        js = max(0.0, (kl(p) + kl(s)) / 2)
        out["tv"] = sum(abs(p[c] - s[c]) for c in self.codes) / 2
        out["max_share_error"] = max(abs(p[c] - s[c]) for c in self.codes)
        out["js_divergence"], out["js_distance"] = js, math.sqrt(js)
        out["entropy_ratio"] = entropy(s) / entropy(p) if entropy(p) else None
        out["effective_answers"] = 2 ** entropy(s)
        out["codes_used"] = sum(s[c] > 0 for c in self.codes) / len(self.codes)
        out["modal_share"] = max(s.values())
        if self.ordinal:
            run, w1 = 0.0, 0.0
            for c in self.order[:-1]:
                run += p[c] - s[c]
                w1 += abs(run) / (len(self.codes) - 1)
            out["w1"], out["representativeness"] = w1, 1 - w1
            variance = [self._variance(x) for x in (s, p)]
            out["variance_ratio"] = variance[0] / variance[1] if variance[1] else None
        found = {(prefix + name, None, None): value for name, value in out.items()}
        return found | {(f"{prefix}share", None, str(c)): s[c] for c in self.codes}

    def _variance(self, x):
        mean = sum(self.rank[c] * x[c] for c in self.codes)
        return sum((self.rank[c] - mean) ** 2 * x[c] for c in self.codes)

    def _probability(self):
        total = sum(w for _, _, w, _ in self.told)
        loss = sum(-w * math.log(max(q.get(t, 0.0), 1e-15)) for t, _, w, q in self.told) / total
        brier = sum(w * sum((q.get(c, 0.0) - (c == t)) ** 2 for c in self.codes) for t, _, w, q in self.told) / total
        marginal = -sum(v * math.log(v) for v in self.p.values() if v > 0)
        out = {("log_loss", None, None): loss, ("brier", None, None): brier}
        out[("log_loss_skill", None, None)] = 1 - loss / marginal
        bins = defaultdict(lambda: [0.0, 0.0])
        for t, _, w, q in self.told:
            top = max(self.codes, key=lambda c: q.get(c, 0.0))
            place = min(int(q[top] * 10), 9)
            bins[place][0] += w * (top == t)
            bins[place][1] += w * q[top]
        out[("ece", None, None)] = sum(abs(right - said) for right, said in bins.values()) / total
        if self.ordinal:
            score = 0.0
            for t, _, w, q in self.told:
                run = 0.0
                for c in self.order[:-1]:
                    run += q.get(c, 0.0)
                    score += w * (run - (self.rank[c] >= self.rank[t])) ** 2
            out[("rps", None, None)] = score / total / (len(self.codes) - 1)
        return out


def second_figures(store, run_id, *, weighted):
    """(question, arm) -> figures, from the files."""
    table = pq.read_table(store.path(run_paths.predictions(run_id))).to_pylist()
    questions = load_codebook(store, run_id).questions
    groups = defaultdict(list)
    for r in table:
        codes = questions[r["question_id"]].codes
        answer = r["answer"] if r["status"] == "answered" and r["answer"] in codes else None
        q = dict(r["probabilities"]) if r["probabilities"] else None
        if q:
            mass = sum(q.values())
            q = {c: v / mass for c, v in q.items()}
        truth = r["truth"] if r["truth_status"] == "answered" else None
        groups[(r["question_id"], r["arm"])].append((truth, answer, r["weight"] if weighted else 1.0, q))
    found = {}
    for (question, arm), rows in groups.items():
        v = questions[question]
        order = v.scale_order if v.scale_order else v.codes
        found[(question, arm)] = Second(rows, v.codes, order, v.scale == "ordinal", v.cut).figures()
    return found


def disagreements(store, run_id, rows):
    """Figures on which both computations differ, and how many were compared."""
    bad, n = [], 0
    by_place = {
        (r.question_id, r.arm, r.metric, r.form, r.level, r.weighted): r
        for r in rows
        if r.split == "all" and r.subgroup is None and r.arm_b is None
    }
    for weighted in (True, False):
        for (question, arm), figures in second_figures(store, run_id, weighted=weighted).items():
            for (metric, form, level), expected in figures.items():
                found = by_place[(question, arm, metric, form, level, weighted)].value
                n += 1
                if (found is None) != (expected is None) or (found is not None and abs(found - expected) > TOLERANCE):
                    bad.append((question, arm, metric, form, level, weighted, found, expected))
    return bad, n


def second_mcnemar(store, run_id, question, a, b):
    """Discordant counts and the exact two-sided p value."""
    right = defaultdict(dict)
    for r in pq.read_table(store.path(run_paths.predictions(run_id))).to_pylist():
        if r["question_id"] == question and r["truth_status"] == "answered":
            right[r["respondent_id"]][r["arm"]] = r["status"] == "answered" and r["answer"] == r["truth"]
    both = Counter((x[a], x[b]) for x in right.values() if a in x and b in x)
    n10, n01 = both[(True, False)], both[(False, True)]
    n, low = n10 + n01, min(n10, n01)
    tail = sum(math.comb(n, i) for i in range(low + 1)) / 2**n
    return n10, n01, min(1.0, 2 * tail)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    from tests.support.mixed_run import mixed_run

    store = mixed_run().write(tmp_path_factory.mktemp("store"))
    return store, evaluate_run(store, "run-1").rows


def test_every_deterministic_figure_is_matched(judged):
    bad, n = disagreements(judged[0], "run-1", judged[1])

    assert bad == []
    assert n > 500


def test_mcnemar_agrees_with_a_second_computation(judged):
    store, rows = judged
    n10, n01, p = second_mcnemar(store, "run-1", "Q1", "good", "constant")

    found = {r.metric: r.value for r in rows if (r.arm, r.arm_b, r.question_id) == ("good", "constant", "Q1")}

    assert (found["mcnemar_n10"], found["mcnemar_n01"]) == (n10, n01)
    assert found["mcnemar_p"] == pytest.approx(p, abs=TOLERANCE)
