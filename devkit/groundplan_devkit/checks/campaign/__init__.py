"""A campaign over whole APIs (S6): generated requests of every kind by every caller, and each documented answer.

Schemathesis generates by a service's OpenAPI document, in all its phases; `directed` asks for the answers that no
generator comes to, such as a body that arrives too slowly. An oracle that reads the database looks through every answer
for rows of others.
"""

from groundplan_devkit.checks.campaign.run import campaign

__all__ = ["campaign"]
