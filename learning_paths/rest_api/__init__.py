"""The REST edge: parse, authorize, call the API, render. The contract is ADR 0003."""
