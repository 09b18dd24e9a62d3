"""What an update must not lose: edits in files that left the template, and imports of modules that are libraries now.

Projects were once made with all libraries copied into them. Their own `make update` deletes such files, edits included;
the new `infra/setup.sh` then runs this package before anything else.
"""
