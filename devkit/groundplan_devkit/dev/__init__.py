"""`make dev`: the whole project on this machine, as it runs in the cloud, and again after every edit.

`session` brings everything up and down; `gateway` stands in for the API gateway; `follow` shows the logs; `edits` says
what an edit concerns.
"""
