"""`python -m idpsync`."""

from idpsync.cli import main

if __name__ == "__main__":
    main()
