"""Accounts as the LMS has them: inactive until their owner confirms the address, and retired on request."""
