"""`python -m laba` is `laba`."""

from laba.cli import main

if __name__ == "__main__":
    main(prog_name="laba")
