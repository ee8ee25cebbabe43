"""Reads: a selection of a root field becomes one SQL statement whose answer is the field's JSON."""
