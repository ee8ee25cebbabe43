"""`penstock scaffold`: the queries that a schema calls for, as files to start from and to edit."""
