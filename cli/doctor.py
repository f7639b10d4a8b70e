"""The examination of a machine: one finding a thing that a run needs. Nothing is changed but that the store is made."""

import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from cli.arguments import study_file
from cli.call_probe import call_once
from cli.endpoint_probe import probe
from cli.presence import slots_at_work
from producer.checks.models import model_problems
from producer.load import load_models, models_path
from producer.prompting.ladder import rung_of
from providers import families
from schemas.errors import BrokerError, ExitCode, NightpollError, Problem, SettingsError, StoreError, StudyError
from schemas.models import Deployment, Model
from schemas.settings import Settings
from schemas.yaml_source import Source
from storage.probe import probed
from storage.store import Store, open_store
from workers import connection
from workers.local.embedded import supervisor_state
from workers.local.server import server_binary

OLDEST_PYTHON = (3, 11)
LITTLE_DISK_BYTES = 1_000_000_000
NO_DISK_BYTES = 50_000_000

State = Literal["ok", "warning", "fail"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: python, packages, store, disk, server, workers, models, key, probabilities, parameters, endpoint, call.
        hint: what to do about it; "" if nothing.
        exit_code: of the command if this fails.
    """

    about: str
    state: State
    detail: str
    hint: str = ""
    exit_code: ExitCode = ExitCode.ENVIRONMENT


def examine(
    settings: Settings, environ: Mapping[str, str], study: Path, *, online: bool, call: bool = False
) -> list[Finding]:
    """Look at everything; no finding stops the others.

    Args:
        settings: of this process.
        environ: where keys are looked up; only whether they are set is told.
        study: file or folder beside which models.yaml is looked for, unless the settings name one.
        online: ask every endpoint for its list of models.
        call: ask every deployment one short question, which costs a few tokens.
    """
    findings = [_python(), _packages()]
    try:
        store = open_store(settings.store, settings.cache)
    except (StoreError, SettingsError) as error:
        findings.append(_failed("store", error))
    else:
        findings += [_store(store), _disk(store), _server(settings, store), *_workers(settings, store)]
    return findings + list(_models(settings, environ, study, online=online, call=call))


def _python() -> Finding:
    found = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding("python", "fail", f"{found} is too old", "Use Python 3.11 or newer.")
    return Finding("python", "ok", found)


def _packages() -> Finding:
    missing = []
    for requirement in requires("nightpoll") or []:
        name = re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]
        if "extra ==" not in requirement and not _is_installed(name):
            missing.append(name)
    if missing:
        return Finding("packages", "fail", f"not installed: {', '.join(missing)}", "Install nightpoll again.")
    return Finding("packages", "ok", f"nightpoll {version('nightpoll')} and what it needs")


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _store(store: Store) -> Finding:
    try:
        told = probed(store)
    except StoreError as error:
        return _failed("store", error)
    return Finding("store", "ok", f"{store.uri} {told}")


def _disk(store: Store) -> Finding:
    free = shutil.disk_usage(store.root).free
    detail = f"{free / 1e9:,.1f} GB free at {store.root}"
    if free < NO_DISK_BYTES:
        return Finding("disk", "fail", detail, "Free some space.")
    if free < LITTLE_DISK_BYTES:
        return Finding("disk", "warning", detail, "A run of a million requests takes about 1 GB.")
    return Finding("disk", "ok", detail)


def _server(settings: Settings, store: Store) -> Finding:
    try:
        if settings.redis_url is not None:
            connection.checked(settings.redis_url.get_secret_value()).close()
            return Finding("server", "ok", "the one of NIGHTPOLL_REDIS_URL answers")
        if not store.is_local:
            hint = "Set it to the Redis that all machines share."
            detail = "NIGHTPOLL_REDIS_URL is not set; a store on other machines needs it"
            return Finding("server", "fail", detail, hint, ExitCode.WRONG_INPUT)
        binary = server_binary()
    except BrokerError as error:
        return _failed("server", error)
    state = supervisor_state(store)
    running = "starts with the first run" if state is None else f"runs (process {state['pid']})"
    return Finding("server", "ok", f"embedded, {binary}; {running}")


def _workers(settings: Settings, store: Store) -> Iterator[Finding]:
    found = slots_at_work(settings, store)
    if found is None:
        return
    n, wrong = found
    if wrong is None:
        yield Finding("workers", "ok", f"they take {n} shards at a time")
    elif n:
        yield Finding("workers", "fail", "they see another store", "Set NIGHTPOLL_STORE to the same on every host.")
    else:
        yield Finding("workers", "warning", "none listens on this Redis", "Start `nightpoll worker` on each host.")


def _models(
    settings: Settings, environ: Mapping[str, str], study: Path, *, online: bool, call: bool
) -> Iterator[Finding]:
    path = models_path(study_file(study) if study != Path() else study / "study.yaml", settings.models)
    if settings.models is None and not path.exists():
        hint = "Name a study, or set NIGHTPOLL_MODELS." if study == Path() else "Put models.yaml beside the study."
        yield Finding("models", "warning", f"no models file at {path}", hint)
        return
    try:
        loaded = load_models(path, path)
    except StudyError as error:
        for problem in error.problems:
            yield _of_problem("models", problem)
        return
    models = loaded.models.models
    yield Finding("models", "ok", f"{path}: {', '.join(models)}")
    yield from _keys(models, environ)
    yield from _problems(models, loaded.source, environ)
    deployments = [(name, model, each) for name, model in models.items() for each in model.deployments]
    for name, model, deployment in deployments if online else ():
        found = probe(model, deployment, environ)
        yield _asked("endpoint", name, deployment, found.detail, found.hint, found.exit_code)
    for name, model, deployment in deployments if call else ():
        answered = call_once(model, deployment, environ)
        yield _asked("call", name, deployment, answered.detail, answered.hint, answered.exit_code)


def _asked(about: str, name: str, deployment: Deployment, detail: str, hint: str, exit_code: ExitCode) -> Finding:
    state: State = "ok" if exit_code == ExitCode.DONE else "fail"
    return Finding(about, state, f"{name}, deployment {deployment.name}: {detail}", hint, exit_code)


def _keys(models: Mapping[str, Model], environ: Mapping[str, str]) -> Iterator[Finding]:
    deployments = [d for model in models.values() for d in model.endpoints if d.auth in ("key", "bearer")]
    for variable in dict.fromkeys(d.api_key_env for d in deployments if d.api_key_env is not None):
        if environ.get(variable):
            yield Finding("key", "ok", f"{variable} is set")
        else:
            hint = f"export {variable}=..., or write it into .env."
            yield Finding("key", "fail", f"{variable} is not set", hint, ExitCode.WRONG_INPUT)


def _problems(models: Mapping[str, Model], source: Source, environ: Mapping[str, str]) -> Iterator[Finding]:
    for problem in model_problems(models, source, environ):
        if problem.code != "key_variable_unset":
            yield _of_problem("models", problem)
    for name, model in models.items():
        where = source.where(f"models.{name}.parameters")
        yield Finding("probabilities", "ok", f"{name}: {rung_of(model).told}")
        for problem in families.problems(model.family, model.parameters, where=where):
            yield _of_problem("parameters", problem)


def _of_problem(about: str, problem: Problem) -> Finding:
    state: State = "fail" if problem.level == "error" else "warning"
    place = f"{problem.where}: " if problem.where else ""
    return Finding(about, state, f"{place}{problem.what}", problem.hint, ExitCode.WRONG_INPUT)


def _failed(about: str, error: NightpollError) -> Finding:
    place = f"{error.where}: " if error.where else ""
    return Finding(about, "fail", f"{place}{error.what}", error.hint, error.exit_code)
