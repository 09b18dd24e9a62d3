"""`make dev`: the whole project on this machine, as in the cloud, restarted after edits.

`session` brings everything up and down; `gateway` stands in for the API gateway; `follow` shows the logs; `edits` says
what an edit concerns.
"""
