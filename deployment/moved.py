"""What an installation recorded before the code moved (the rooms were `stacks.deployer` and its neighbours), in the names of now.

ZenML keeps by name where a flavor's and a service's classes are. Who asks it for the active stack's deployer, or for its
services, would import modules that are gone.
"""

from __future__ import annotations

import logging
from functools import cache

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.utils.pagination_utils import depaginate

from materializers.zenml_private import update_flavor, update_service

logger = logging.getLogger(__name__)

FLAVOR_SOURCE = "deployment.flavor.SwitchyardDeployerFlavor"
SERVICE_SOURCE = "deployment.service.ServedVersion"
_ROOM_BEFORE = "stacks.deployer."
_FLAVOR = "switchyard"


def follow_the_move() -> None:
    """Bring ZenML's records of the deployer to where its classes are; asked once for each store, changed once for ever."""
    _follow(Client().zen_store.url)


@cache
def _follow(_store: str) -> None:
    client = Client()
    try:
        known = client.get_flavor_by_name_and_type(_FLAVOR, StackComponentType.MODEL_DEPLOYER)
    except KeyError:
        return
    if not known.source.startswith(_ROOM_BEFORE):
        return
    # The flavor last: where this is broken off, the next command does it all again.
    for service in depaginate(client.list_services, flavor=_FLAVOR, hydrate=True):
        if str(service.service_source).startswith(_ROOM_BEFORE):
            update_service(service.id, service_source=SERVICE_SOURCE)
    update_flavor(known.id, source=FLAVOR_SOURCE)
    logger.warning("the deployer of %s was registered by its old place; it is known by its new one now", client.zen_store.url)
