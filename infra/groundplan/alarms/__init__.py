"""A page for each kind of alarm that the components declare (U8, ADR 19).

It says what the alarm means, where to look, what to do, and how to prove that it is over.

Each alarm's description ends with the command that prints its page, `groundplan alarm NAME`.
"""

from groundplan.alarms.pages import HEADINGS, Page, names, page, page_name
from groundplan.alarms.variables import Variable, used

__all__ = ["HEADINGS", "Page", "Variable", "names", "page", "page_name", "used"]
