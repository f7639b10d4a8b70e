"""The report: one HTML file that holds everything it needs and asks nobody for anything."""

import json
from functools import lru_cache
from pathlib import Path

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evaluation.job import Evaluation
from evaluation.reporting.kinds_show import numeric_report, position_report
from evaluation.reporting.report_charts import Spec, is_shown, reliability_charts, share_charts, subgroup_charts
from evaluation.reporting.report_lookup import Lookup
from evaluation.reporting.report_method import about, method
from evaluation.reporting.report_samples import sample_answers
from evaluation.reporting.report_sections import Sections
from evaluation.reporting.report_table import ReportRow, ReportTable, words
from evaluation.reporting.report_verdict import plain_verdict
from schemas import run_paths
from storage.runs import load_manifest
from storage.store import Store

LABEL = "model-generated, not measured opinion"
"""Stands beside every synthetic figure."""

_EXPORTS = "window.vegaEmbed = vegaEmbed;"

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(store: Store, run_id: str, evaluation: Evaluation, path: Path | None = None) -> Path:
    """Write the report of an evaluation and return its path.

    Args:
        store: where the run is.
        run_id: of the run.
        evaluation: as `evaluate_run` returned it; its first split is shown.
        path: where to; None: `evaluation/report.html` in the run's folder.

    Raises:
        StoreError: the store cannot be written, or the predictions are damaged.
        OSError: `path` cannot be written.
    """
    page = render_report(store, run_id, evaluation)
    if path is not None:
        path.write_text(page, encoding="utf-8")
        return path
    rel = run_paths.evaluation(run_id, "report.html")
    with store.writing(rel) as scratch:
        scratch.write_text(page, encoding="utf-8")
    return store.path(rel)


def render_report(store: Store, run_id: str, evaluation: Evaluation) -> str:
    """The page as text."""
    scores = evaluation.scores[0]
    lookup = Lookup(evaluation.rows, scores.split)
    sections = Sections(scores, lookup)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    manifest = load_manifest(store, run_id)
    arms = list(dict.fromkeys(arm for _, arm in scores.cells if is_shown(arm)))
    charts = {
        "shares": share_charts(scores, lookup),
        "reliability": reliability_charts(scores),
        "subgroups": subgroup_charts(scores, lookup),
    }
    return environment.get_template("report.html.j2").render(
        run_id=run_id,
        label=LABEL,
        evaluation=evaluation,
        split=scores.split,
        arms=arms,
        verdict={arm: plain_verdict(scores, arm) for arm in arms},
        texts=scores.run.texts,
        headline=sections.headline(),
        sections=sections,
        numeric=numeric_report(evaluation.numeric[0]),
        positions=position_report(evaluation.positions),
        charts=charts,
        specs=_embedded({f"{kind}:{name}": spec for kind, named in charts.items() for name, spec in named.items()}),
        samples=_samples(store, run_id),
        about=about(manifest, scores),
        method=method(manifest, scores, evaluation),
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        script=Markup((_TEMPLATES / "report.js").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        vega=Markup(_vega()),  # noqa: S704 - the library's own bundle
    )


def _embedded(specs: dict[str, Spec]) -> Markup:
    """JSON that cannot end its script element, whatever a label holds."""
    text = json.dumps(specs, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, escaped in (
        ("&", "\\u0026"),
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(sign, escaped)
    return Markup(text)  # noqa: S704 - escaped above


@lru_cache(maxsize=1)
def _vega() -> str:
    """Vega, Vega-Lite and vegaEmbed as one script without any import; made once a process (about 2 s)."""
    return vl_convert.javascript_bundle(_EXPORTS).replace("</script", "<\\/script")


def _samples(store: Store, run_id: str) -> ReportTable:
    rows = [
        ReportRow(s.arm, [words(s.question), words(s.arm), words(s.status), words(s.read_as), words(s.text)])
        for s in sample_answers(store, run_id)
    ]
    note = "The first few of each kind by task id, cut at 300 characters; those that could not be read are among them."
    return ReportTable("Sample answers", ["Question", "Arm", "Status", "Read as", "Text"], rows, note)
