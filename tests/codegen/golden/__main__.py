"""`python -m tests.codegen.golden`: shows what differs from the golden packages; with `--update`, keeps it."""

import sys

from tests.codegen.golden import CASES, differences, make, update

changed = False
for case in CASES:
    golden = make(case)
    lines = list(differences(golden))
    changed = changed or bool(lines)
    sys.stdout.writelines(lines)
    if lines and "--update" in sys.argv[1:]:
        update(golden)
sys.exit(1 if changed and "--update" not in sys.argv[1:] else 0)
