"""The generator: a GraphQL schema and a folder of operations in, a typed Python package out. It knows no particular API."""
