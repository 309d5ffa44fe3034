"""`python -m lamella` is `lamella`."""

from lamella.app.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
