"""How `make docs` renders this folder: Sphinx, Markdown by MyST, a broken link is an error."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from switchyard import __version__

project = "Switchyard"
release = __version__
extensions = ["myst_parser", "sphinx_copybutton"]
myst_heading_anchors = 4
exclude_patterns = ["ml-project", "requirements.*"]
html_theme = "furo"
html_title = f"Switchyard {__version__}"
html_copy_source = False
# Names in code are no cross-references, and a language that a block names is for people.
suppress_warnings = ["misc.highlighting_failure"]
nitpicky = True
