"""The flyte side of the local server: packs, flows, actions, their audit and the datastore under ``/v1``.

``tables.define`` adds the tables to a schema, ``routes.flyte_routes`` serves them. Everything else here is
private to these two.
"""
