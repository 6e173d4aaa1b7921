"""The input of a job: rows of a list, whatever its format."""
