"""`python -m penstock.server start …`: the same commands as `penstock server …`."""

from penstock.server.cli import app

if __name__ == "__main__":
    app(prog_name="penstock server")
