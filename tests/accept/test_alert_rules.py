"""The alert rules on made-up time series: each fires when it should and not before. Needs Prometheus's promtool."""

import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.accept
REPO = Path(__file__).parents[2]
SERIES = REPO / "tests" / "support" / "alerts_test.yml"
OPERATIONS = REPO / "docs" / "operations"


def test_every_alert_has_its_time_series():
    rules = YAML(typ="safe").load((OPERATIONS / "alerts.yml").read_text("utf-8"))
    series = YAML(typ="safe").load(SERIES.read_text("utf-8"))

    tried = {case["alertname"] for test in series["tests"] for case in test["alert_rule_test"] if case["exp_alerts"]}

    assert tried == {rule["alert"] for group in rules["groups"] for rule in group["rules"]}


@pytest.mark.parametrize("command", [["test", "rules", "alerts_test.yml"], ["check", "config", "prometheus.yml"]])
def test_prometheus_reads_the_rules_and_raises_the_alerts(command, tmp_path):
    for file in (SERIES, OPERATIONS / "alerts.yml", OPERATIONS / "monitoring" / "prometheus.yml"):
        shutil.copy(file, tmp_path)

    done = subprocess.run(["promtool", *command], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
