"""The rows of the table of supported systems, a file for each family."""
