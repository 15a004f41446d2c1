"""`python -m switchyard.serving` installs what serving on this machine needs: its environment, and Envoy. Standard library only."""

import logging

from switchyard.serving import environment
from switchyard.serving.frontdoor import environment as frontdoor

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    environment.install()
    frontdoor.install()
