"""Reads that more than one edge needs. None of them writes, and each says how many queries it takes."""
