"""Programs that print ratios. They are no part of the test run: a timing is never an assertion."""
