"""The command line of `python -m emulator`, read into settings."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from emulator.config import EmulatorConfig, Profile, RateHeaders, RetryHint
from emulator.faults import read_faults, read_mapping
from emulator.quota import Counting
from emulator.server import LOOPBACK
from schemas.errors import SettingsError
from schemas.value_words import first_wrong

_EXAMPLES = """examples:
  python -m emulator --port 8080 --profile openai
  python -m emulator --port 0 --ready-file ready.json --profile azure_v1 --rpm 600 --tpm 100000 --key-env MY_KEYS
  python -m emulator --profile azure --deployment east=gpt-4.1-mini --faults faults.yaml --latency-ms 400 --sigma 0.4
"""

_LAST_PORT = 65_535


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    host: str
    port: int
    config: EmulatorConfig
    ready_path: Path | None
    uds: Path | None
    follow_parent: bool


def read_arguments(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> Asked:
    """Read the command line; --config comes first, single options override it.

    Args:
        argv: without the program's name.
        environ: variables that --key-env and --token-env name; None: the process's own.

    Raises:
        SettingsError: a file or a value is wrong, or a named variable is not set.
    """
    options = _parser().parse_args(argv)
    environ = os.environ if environ is None else environ
    settings: dict[str, Any] = {} if options.config is None else read_mapping(options.config)
    settings |= _plain(options)
    given, asked = settings.get("latency", {}), _latency(options)
    settings["latency"] = given | asked if isinstance(given, dict) else given
    if options.faults is not None:
        settings["faults"] = read_faults(options.faults)
    for field, variable in (("keys", options.key_env), ("tokens", options.token_env)):
        if variable is not None:
            settings[field] = _secrets(variable, environ)
    return Asked(
        options.host,
        options.port,
        _config(settings, "command line" if options.config is None else str(options.config)),
        options.ready_file,
        options.uds,
        options.follow_parent,
    )


def _plain(options: argparse.Namespace) -> dict[str, Any]:
    names = (
        "profile", "rpm", "tpm", "counting", "burst_requests", "retry_hint", "rate_headers", "seed", "purchases",
        "batch_speed",
    )  # fmt: skip
    found = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.api_version:
        found["api_versions"] = options.api_version
    if options.deployment:
        found["deployments"] = dict(map(_deployment, options.deployment))
    for switch in ("count_rejected", "prompt_cache"):
        if getattr(options, switch):
            found[switch] = True
    return found


def _latency(options: argparse.Namespace) -> dict[str, float]:
    found = {}
    if options.latency_ms is not None:
        found["median_s"] = options.latency_ms / 1000
    if options.sigma is not None:
        found["sigma"] = options.sigma
    if options.per_token_ms is not None:
        found["per_token_s"] = options.per_token_ms / 1000
    return found


def _deployment(text: str) -> tuple[str, dict[str, str]]:
    name, _, model = text.partition("=")
    return name, {"model": model if model else name}


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to {_LAST_PORT}")
    return int(text)


def _secrets(variable: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    found = tuple(part.strip() for part in environ.get(variable, "").split(",") if part.strip())
    if not found:
        raise SettingsError("the variable that should hold the accepted keys is empty", where=variable)
    return found


def _config(settings: Mapping[str, Any], where: str) -> EmulatorConfig:
    try:
        return EmulatorConfig.model_validate(settings)
    except ValidationError as error:
        raise SettingsError(first_wrong(error), where=where) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m emulator",
        description="A stand-in for OpenAI and Azure OpenAI over HTTP.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default=LOOPBACK, help="address to listen on (default: %(default)s)")
    add("--port", type=_port, default=8080, help="0: any free port (default: %(default)s)")
    add("--uds", type=Path, help="listen on this Unix socket instead")
    add("--profile", choices=get_args(Profile), help="whose API to speak (default: openai)")
    add("--api-version", action="append", help="profile azure: a dated version to accept; may be repeated")
    add("--deployment", action="append", help="NAME=MODEL to serve; may be repeated (default: every model)")
    add("--config", type=Path, help="JSON or YAML file with any setting of emulator.config")
    add("--ready-file", type=Path, help="gets {port, base_url, admin_url, pid} as JSON once listening")
    add("--key-env", help="environment variable with the accepted keys, separated by commas (default: no key)")
    add("--token-env", help="likewise for Entra ID tokens")
    add("--latency-ms", type=float, help="median time of an answer (default: 0)")
    add("--sigma", type=float, help="standard deviation of its logarithm (default: 0)")
    add("--per-token-ms", type=float, help="added for each completion token (default: 0)")
    add("--rpm", type=int, help="requests a minute and quota pool (default: no limit)")
    add("--tpm", type=int, help="tokens a minute and quota pool (default: no limit)")
    add("--burst-requests", type=int, help="requests a second (default: rpm / 60, rounded up)")
    add("--counting", choices=get_args(Counting), help="tokens counted (default: openai actual, else max_tokens)")
    add("--count-rejected", action="store_true", help="requests turned away with 429 use up requests a minute")
    add("--retry-hint", choices=get_args(RetryHint), help="headers of a 429 (default: openai seconds, else both)")
    add("--rate-headers", choices=get_args(RateHeaders), help="quota headers (default: openai all, else remaining)")
    add("--prompt-cache", action="store_true", help="report repeated long prefixes as cached")
    add("--batch-speed", type=float, help="seconds of batch time in a real second; 8640: 24 h in 10 s (default: 1)")
    add("--faults", type=Path, help="JSON or YAML file of fault probabilities")
    add("--purchases", type=Path, help="append a JSON line here for every answer bought")
    add("--seed", type=int, help="of answers, latency and faults (default: 0)")
    add("--follow-parent", action="store_true", help="stop when the starting process is gone")
    return parser
