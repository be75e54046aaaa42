"""Moving here from learning-paths-plugin 0.5.0, with the real packages (ADR 0009); ``make test-move`` runs it."""
