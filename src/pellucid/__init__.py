"""Neural networks you can see through, trained at the machine's limit, right by default."""

__version__ = "0.1.0"
