"""Which transports an arm can take. Pure."""

from schemas.models import Model
from schemas.study import Arm

AZURE_TUNED = ".ft-"
"""In the ids of tuned models of Azure OpenAI, which its Batch API does not take."""


def planned_transport(arm: Arm, model: Model) -> str:
    """What a plan says of an arm's requests: online, batch, or auto where the run has a choice.

    Args:
        arm: one with a model.
        model: that it asks.
    """
    if arm.transport != "auto":
        return arm.transport
    if arm.memory or not model.batch or model.rollout is not None or is_azure_tuned(model):
        return "online"
    return "auto" if model.deployments else "batch"


def is_azure_tuned(model: Model) -> bool:
    """A tuned model of Azure OpenAI."""
    return model.provider != "openai" and AZURE_TUNED in model.model
