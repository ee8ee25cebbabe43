"""`penstock migrate`: rewrites calls of the old flat client to client.OBJECT.ACTION.

finding     which calls are calls of a client's old method: the type checker's word, and what follows from the code
deciding    whether each can be rewritten so that it does the same, and how; if not, why
rewriting   the new text, everything else left as it is
cli         files, diffs and the report
"""
