"""An app whose migration makes the accounts of services, as some of the platform's do, before the plugin's tables."""
