"""The output of a job: results, the journal, and what is read back."""
