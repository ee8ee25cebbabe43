"""`penstock diff`: what a change of the schema or the queries means to those who use the generated SDK."""
