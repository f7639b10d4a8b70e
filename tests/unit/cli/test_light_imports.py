"""Commands that people type often import little."""

import subprocess
import sys

import pytest

HEAVY = ("openai", "pandas", "sklearn", "celery", "aiohttp", "scipy")


@pytest.mark.parametrize("module", ["cli.main", "cli.status"])
def test_module_imports_nothing_heavy(module):
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
