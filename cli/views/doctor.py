"""What `doctor` shows: one line a finding, and the exit code of the first that fails."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from cli.doctor import Finding
from cli.views.console import out
from cli.views.safe_text import safe
from schemas.errors import ExitCode

_COLOURS = {"ok": "green", "warning": "yellow", "fail": "red"}


def show_findings(findings: Sequence[Finding]) -> None:
    """The findings for people."""
    for finding in findings:
        line = Text()
        line.append(f"{finding.state:8}", style=_COLOURS[finding.state])
        line.append(f"{finding.about:11} {safe(finding.detail)}")
        if finding.hint:
            line.append(f"\n{'':20}{safe(finding.hint)}", style="dim")
        out.print(line)


def findings_document(findings: Sequence[Finding]) -> dict[str, Any]:
    """The findings for --json."""
    found = [{"about": f.about, "state": f.state, "detail": f.detail, "hint": f.hint} for f in findings]
    return {"ok": exit_code_of(findings) == ExitCode.DONE, "findings": found}


def exit_code_of(findings: Sequence[Finding]) -> ExitCode:
    """That of the first finding that fails."""
    return next((finding.exit_code for finding in findings if finding.state == "fail"), ExitCode.DONE)
