"""Runs cases of the corpus and says what is wrong with them, as JSON with `--json`: `python -m tests.codegen.corpus [PART-OF-A-NAME …]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.codegen.corpus import all_cases
from tests.codegen.corpus.run import Packages, Runner, watch


def main() -> int:
    """Runs the cases named, or all, or every n-th from the k-th on with `--share k/n`. Exit code 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--share", default="0/1")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    first, step = map(int, options.share.split("/"))
    cases = [
        case for case in all_cases() if not options.names or any(name in case.name for name in options.names)
    ][first::step]
    started = watch()
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="penstock-corpus-") as folder, Packages(Path(folder)) as packages:
        # What a hostile text makes, it makes here.
        os.chdir(folder)
        runner = Runner(packages)
        for case in cases:
            before = time.process_time()
            found[case.name] = [*runner.run(case), *(f"a program was started: {item}" for item in started)]
            started.clear()
            if not options.json and (found[case.name] or options.names):
                print(f"{case.name}: {time.process_time() - before:.2f} s")
                print("".join(f"    {line}\n" for line in found[case.name]), end="")
    wrong = {name: lines for name, lines in found.items() if lines}
    print(json.dumps(found) if options.json else f"{len(found)} cases, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
