"""What the tests that need servers share."""

from tests.worker import start_worker

__all__ = ["start_worker"]
