"""The gateway API (contract 04): what operators and their tools say to a node under `/tyk/`, and what it answers.

    request ─► gate (secret, slashes) ─► routes ─► one file per resource ─► node ─► files, store, reload

`app.py` puts it together, `routes.py` is the list of everything that can be called, `node.py` says what is needed of
the node. A write is in force on every worker when its 200 goes out. Nothing here is on the road of a proxied request.
"""
