"""`make fuzz`: the running service, asked everything that its document allows and forbids.

`__main__` starts the service, `house` furnishes it, and schemathesis, in a virtual environment of its own, does the
asking, with `schemathesis.toml` and `hooks`. `lenient` says what a request means that the document's schemas do not
allow and the service reads all the same; `refusals` says which refusals of what the schemas allow are right.
"""
