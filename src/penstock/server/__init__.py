"""The local API server: the whole of `schema.graphql`, kept in SQLite or PostgreSQL.

Needs the extra `server` (`pip install "penstock[server]"`). `penstock server start` runs it; `penstock.server.local`
runs the same application inside the client's process.
"""
