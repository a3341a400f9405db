"""Postgres, the broker and our own processes on one machine, without Docker and without root.

The servers come out of wheels; everything they keep is in one folder: ``DATA_DIR``, or ``.data`` beside manage.py.
Who does what:

- ``environment.prepare`` finds or starts the servers for one command and sets the environment that settings read.
- ``keeper`` runs Postgres and the broker for as long as anybody uses them.
- ``supervisor`` runs the whole service; ``service`` does so from a test or the demo.
- ``guard`` stands between each of them and its child, so that nothing outlives whoever started it.
"""
