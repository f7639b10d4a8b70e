"""Whether a new deployment answers yet: the Resource Manager says Succeeded minutes before the service knows the name.

Source: field reports in the Azure facts, section 5.5, read 2026-11-22: 404 DeploymentNotFound for minutes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from providers.clients import open_client
from providers.errors_map import DEPLOYMENT_NOT_FOUND
from providers.prices import cost_usd, price_of
from providers.replies import UnreadableAnswerError
from schemas.completion_form import as_prompt
from schemas.errors import EnvironmentFailureError, ModelError, NightpollError, ServiceRefusedError, TransientModelError
from schemas.models import Family, Model

Ask = Callable[[], Awaitable[None]]
Pause = Callable[[float], Awaitable[None]]
Tell = Callable[[str], None]

LOOK_EVERY_S = 5.0
TELL_EVERY_S = 60.0
SERVED_WITHIN_S = 600.0
FRESH = timedelta(minutes=15)
"""So long after it was registered a deployment that is not found is taken to be new, and waited for in runs."""
_MOST_TROUBLE = 3
_CALL_S = 60.0
_WORD = [{"role": "user", "content": "1"}]
_LIMITS: dict[Family, str] = {"completion": "max_tokens", "chat": "max_tokens", "reasoning": "max_completion_tokens"}


async def until_served(name: str, ask: Ask, *, tell: Tell, pause: Pause = asyncio.sleep) -> bool:
    """Ask a deployment until it is found; any other word of the service shows that it is there.

    Args:
        name: of the deployment, for messages.
        ask: makes one call; raises what came of it.
        tell: takes progress.
        pause: between two calls.

    Returns:
        False: it could not be asked, and why was told.

    Raises:
        EnvironmentFailureError: it is not found after ten minutes.
    """
    waited_s, trouble = 0.0, 0
    while True:
        try:
            await ask()
            return True
        except ServiceRefusedError as error:
            if error.code != DEPLOYMENT_NOT_FOUND:
                return _untold(name, error, tell)
        except TransientModelError as error:
            trouble += 1
            if error.http_status == 429:
                return True
            if trouble >= _MOST_TROUBLE:
                return _untold(name, error, tell)
        except ModelError:  # refused for what was asked, so somebody is there
            return True
        if waited_s >= SERVED_WITHIN_S:
            what = (
                f"{name} was deployed, and the service still does not find it after {SERVED_WITHIN_S / 60:.0f} minutes."
            )
            hint = "It is billed. The same command again looks again; `nightpoll finetune undeploy JOB` takes it away."
            raise EnvironmentFailureError(what, hint=hint)
        if waited_s % TELL_EVERY_S == 0:
            tell(f"{name} is deployed and not found yet by the service; asking again every {LOOK_EVERY_S:.0f} s.")
        await pause(LOOK_EVERY_S)
        waited_s += LOOK_EVERY_S


async def ask_once(entry: Model, name: str, environ: Mapping[str, str], *, paid: Callable[[float], None]) -> None:
    """Ask a deployment for one token after one word: about ten tokens at its price, nothing while it is not found.

    Args:
        entry: of the base model; its first deployment is where tuned models are deployed.
        name: of the deployment.
        environ: where the key's variable is looked up.
        paid: takes the US$ of an answer, also of one that cannot be read; not called where nobody knows a price.

    Raises:
        ModelError: there was no answer. SettingsError: there is no key.
    """
    client = open_client(entry, entry.deployments[0].model_copy(update={"deployment": name}), environ=environ)
    said = {"prompt": as_prompt(_WORD)} if entry.family == "completion" else {"messages": _WORD}
    body, call_id = said | {_LIMITS[entry.family]: 1}, f"deployed-{uuid4().hex}"
    price, usage = price_of(entry), None
    try:
        usage = (await client.complete(body, call_id=call_id, timeout_s=_CALL_S)).usage
    except UnreadableAnswerError as error:
        usage = error.usage
        raise
    finally:
        if usage is not None and price is not None:
            paid(cost_usd(usage, price))
        await client.close()


def _untold(name: str, error: NightpollError, tell: Tell) -> bool:
    tell(f"Whether {name} answers could not be asked: {error.what}")
    return False
