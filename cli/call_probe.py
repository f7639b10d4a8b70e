"""Asks a deployment one short question with its model's parameters: does it take them, and under which names?"""

import asyncio
from collections.abc import Mapping
from typing import Any

from cli.endpoint_probe import Probe
from providers.clients import ChatClient, open_client
from providers.families import wire_parameters
from schemas.completion_form import as_prompt
from schemas.errors import ExitCode, ModelError, NightpollError, UnsupportedParameterError
from schemas.models import Deployment, Model
from workers.calls.spelling import Spelling

QUESTION = [{"role": "user", "content": "Say yes."}]
MOST_TRIES = 3


def call_once(model: Model, deployment: Deployment, environ: Mapping[str, str]) -> Probe:
    """One answer, paid at the usual price; the call is sent again under another name of the token limit if told so.

    Nothing the other side does raises.
    """
    try:
        return asyncio.run(_call(model, deployment, environ))
    except NightpollError as error:
        return Probe(error.what, error.hint, error.exit_code)


async def _call(model: Model, deployment: Deployment, environ: Mapping[str, str]) -> Probe:
    client, spelling = open_client(model, deployment, environ=environ), Spelling()
    try:
        for _ in range(MOST_TRIES):
            sent = spelling.applied(wire_parameters(model.family, model.parameters))
            refusal = await _refused(client, sent, model)
            if refusal is None:
                return Probe(_found(wire_parameters(model.family, model.parameters), sent))
            refused = spelling.after(refusal, sent, model)
            if refused.code != "respelled":
                return Probe(refused.what, refused.hint, ExitCode.SERVICE_REFUSED)
    except ModelError as error:
        return Probe(error.what, error.hint, error.exit_code)
    finally:
        await client.close()
    return Probe("takes no name of the token limit.", exit_code=ExitCode.SERVICE_REFUSED)


async def _refused(client: ChatClient, sent: dict[str, Any], model: Model) -> UnsupportedParameterError | None:
    try:
        said = {"prompt": as_prompt(QUESTION)} if model.family == "completion" else {"messages": QUESTION}
        await client.complete(said | sent, call_id="doctor", timeout_s=model.timeout_s)
    except UnsupportedParameterError as error:
        return error
    return None


def _found(given: Mapping[str, Any], sent: Mapping[str, Any]) -> str:
    renamed = [f"`{new}` in place of `{old}`" for old, new in zip(given, sent, strict=True) if old != new]
    names = ", ".join(sent) if sent else "none"
    return f"answers with its parameters ({names})" + (f"; it takes {', '.join(renamed)}" if renamed else "")
