"""What there is to see in a sandbox that has just been set up."""
