"""
An app whose migration makes the accounts of services, as that of the same name does in the platform.

Migrations run in the order of the names of apps, so this one comes before the plugin has its tables.
"""
