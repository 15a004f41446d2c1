"""Makes the flavor known to ZenML, and gives a local stack its model deployer."""

from __future__ import annotations

import logging

from zenml.client import Client
from zenml.enums import StackComponentType

from deployment.flavor import SwitchyardDeployer, SwitchyardDeployerFlavor
from deployment.moved import FLAVOR_SOURCE
from deployment.service import FLAVOR
from materializers.zenml_private import update_flavor
from stacks.active import component
from switchyard.tabular.errors import InputError, SwitchyardError

logger = logging.getLogger(__name__)

_COMPONENT = "switchyard_local"


def ensure_flavor() -> None:
    """Register the flavor on the connected ZenML server or store; its place and settings there follow the code."""
    client = Client()
    try:
        known = client.get_flavor_by_name_and_type(FLAVOR, StackComponentType.MODEL_DEPLOYER)
    except KeyError:
        client.create_flavor(FLAVOR_SOURCE, StackComponentType.MODEL_DEPLOYER)
        return
    schema = SwitchyardDeployerFlavor().config_schema
    if (known.source, known.config_schema) != (FLAVOR_SOURCE, schema):
        update_flavor(known.id, source=FLAVOR_SOURCE, config_schema=schema)


def ensure_deployer() -> None:
    """Give the active stack the process host where it has no model deployer and everything else of it is on this machine.

    Raises
    ------
    InputError
        The stack is not local, or has a deployer of another flavor.
    """
    client = Client()
    stack = client.active_stack_model
    present = stack.components.get(StackComponentType.MODEL_DEPLOYER)
    if present:
        if present[0].flavor_name != FLAVOR:
            raise InputError(f"stack {stack.name!r} deploys by {present[0].flavor_name!r}; give it a model deployer of flavor {FLAVOR!r}")
        return
    orchestrator = stack.components[StackComponentType.ORCHESTRATOR][0]
    if orchestrator.flavor_name != "local":
        raise InputError(f"stack {stack.name!r} has no model deployer; add one of flavor {FLAVOR!r} to its file in stacks/")
    ensure_flavor()
    known = client.list_stack_components(type=StackComponentType.MODEL_DEPLOYER, name=_COMPONENT)
    component = known.items[0] if known.total else client.create_stack_component(_COMPONENT, FLAVOR, StackComponentType.MODEL_DEPLOYER, {})
    client.update_stack(stack.id, component_updates={StackComponentType.MODEL_DEPLOYER: [component.id]})


def ensure_served(model: str) -> None:
    """Have the active stack a deployer (`ensure_deployer`) that may deploy `model`, and what should run of it somebody who keeps it alive.

    Raises
    ------
    InputError
        As `ensure_deployer`.
    """
    ensure_deployer()
    host = active_deployer().host
    try:
        host.admit(model)
        if host.keep_alive(model):
            logger.warning("%s: its supervisor had ended, or its code is gone; another keeps its services alive now", model)
    except SwitchyardError as error:
        # Whoever needs the services will say so; a look at their log does not.
        logger.warning("%s: nobody keeps its services alive: %s", model, error)


def active_deployer() -> SwitchyardDeployer:
    """The active stack's model deployer.

    Raises
    ------
    InputError
        It has none of ours.
    """
    deployer = component(StackComponentType.MODEL_DEPLOYER)
    if not isinstance(deployer, SwitchyardDeployer):
        raise InputError(f"stack {Client().active_stack_model.name!r} has no model deployer of flavor {FLAVOR!r}")
    return deployer
