"""Version 1 under ``/api/learning_paths/``: the catalog, progress and grades. See ADR 0008."""
