"""What joins this repository's program to the code that a project's services share.

That code is in the template, where a project has it at its root.
"""

import sys

from tests.projects import ROOT

# At the end: the template's own `tests` must not hide these.
sys.path.append(str(ROOT / "templates/project"))
