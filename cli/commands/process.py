"""worker, emulator, doctor: processes that stay, and whether this machine is fit for them.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.arguments import JsonOpt, examples
from cli.context import load_environ, load_settings
from cli.views.console import err, print_json
from schemas.errors import ExitCode, SettingsError

EMULATOR_PORT = 8765
"""The one in the shipped models files."""

ProfileName = Literal["openai", "azure_v1", "azure"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=examples(
            "nightpoll doctor", "nightpoll doctor study.yaml --online", "nightpoll doctor study.yaml --call"
        )
    )(doctor)
    app.command(epilog=examples("NIGHTPOLL_REDIS_URL=redis://localhost:6379/0 nightpoll worker"))(worker)
    app.command(
        epilog=examples(
            "nightpoll emulator",
            "nightpoll emulator --port 0 --profile azure --deployment east=gpt-4.1-mini --rpm 600 --tpm 100000",
            "nightpoll emulator --faults faults.yaml --latency-ms 400 --sigma 0.4",
            "nightpoll emulator --batch-speed 8640",
        )
    )(emulator)


def doctor(
    study: Annotated[Path, typer.Argument(help="Study file or folder whose models are looked at.")] = Path(),
    online: Annotated[
        bool, typer.Option("--online", help="Ask every endpoint for its list of models; costs nothing.")
    ] = False,
    call: Annotated[
        bool,
        typer.Option("--call", help="Ask every deployment one short question with its parameters; costs some tokens."),
    ] = False,
    as_json: JsonOpt = False,
) -> int:
    """Whether this machine can run studies: Python, packages, store, disk, server, models, keys, endpoints."""
    from cli.doctor import examine
    from cli.views.doctor import exit_code_of, findings_document, show_findings

    findings = examine(load_settings(), load_environ(), study, online=online, call=call)
    print_json(findings_document(findings)) if as_json else show_findings(findings)
    return exit_code_of(findings)


def worker(as_json: JsonOpt = False) -> int:
    """Answer shards of any run in the store until SIGTERM; open calls finish first. Needs NIGHTPOLL_REDIS_URL.

    Without an external server nobody needs this command: `run` starts workers of its own.
    """
    from workers.logs import configure_logging
    from workers.process import run_worker

    settings = load_settings()
    if settings.redis_url is None:
        raise SettingsError(
            "a worker needs the server that its commands use.", where="NIGHTPOLL_REDIS_URL",
            hint="Set it to redis://HOST:PORT/0. Without it `nightpoll run` starts workers of its own.",
        )  # fmt: skip
    os.environ.update(load_environ())  # keys in .env are looked up by name, like those of the environment
    configure_logging(settings)
    if as_json:
        print_json({"pid": os.getpid(), "store": settings.store, "slots": settings.slots})
    return run_worker(settings, settings.redis_url.get_secret_value())


def emulator(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = EMULATOR_PORT,
    profile: Annotated[ProfileName | None, typer.Option(help="Whose API to speak. Default: openai.")] = None,
    api_version: Annotated[list[str] | None, typer.Option(help="azure: a dated version; may be repeated.")] = None,
    deployment: Annotated[
        list[str] | None, typer.Option(help="NAME=MODEL to serve; may be repeated. Default: every model.")
    ] = None,
    faults: Annotated[Path | None, typer.Option(help="JSON or YAML file of fault probabilities.")] = None,
    latency_ms: Annotated[float | None, typer.Option(help="Median time of an answer.")] = None,
    sigma: Annotated[float | None, typer.Option(help="Standard deviation of its logarithm.")] = None,
    rpm: Annotated[int | None, typer.Option(help="Requests a minute and quota pool. Default: no limit.")] = None,
    tpm: Annotated[int | None, typer.Option(help="Tokens a minute and quota pool. Default: no limit.")] = None,
    batch_speed: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds of batch time in a real one; 8640: 24 h take 10 s.")
    ] = None,
    key_env: Annotated[str | None, typer.Option(help="Variable with accepted keys. Default: no key needed.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of answers, latency and faults.")] = None,
    purchases: Annotated[Path | None, typer.Option(help="Append a JSON line here per answer bought.")] = None,
    config: Annotated[Path | None, typer.Option(help="JSON or YAML file with any setting of the emulator.")] = None,
    as_json: JsonOpt = False,
) -> int:
    """A stand-in for OpenAI and Azure OpenAI on this machine: no key, no cost, and no knowledge of people."""
    from cli.views.emulator import announced, arguments_of
    from emulator.arguments import read_arguments
    from emulator.server import run

    options = {
        "host": host, "port": port, "profile": profile, "api-version": api_version, "deployment": deployment,
        "faults": faults, "latency-ms": latency_ms, "sigma": sigma, "rpm": rpm, "tpm": tpm, "key-env": key_env,
        "batch-speed": batch_speed,
        "seed": seed, "purchases": purchases, "config": config,
    }  # fmt: skip
    asked = read_arguments(arguments_of(options), load_environ())
    with tempfile.TemporaryDirectory(prefix="nightpoll-emulator-") as folder:
        ready = Path(folder) / "ready.json"
        with announced(ready, as_json=as_json):
            code = run(asked.host, asked.port, asked.config, ready)
    err.print("The emulator has stopped.")
    return ExitCode(code)
