"""Every change of state, one function for each. Nothing else creates or switches an enrollment. See ADR 0002."""
