"""`python -m penstock_codegen`: the generator without the SDK it was made for."""

import sys

from .cli import main

sys.exit(main())
