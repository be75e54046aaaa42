"""The pages on which learners find paths, enroll, and see how far they are: plain HTML that needs no script."""
