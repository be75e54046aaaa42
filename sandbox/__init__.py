"""A small Django project that plays the LMS's part: the plugin can be tried, developed and tested without one."""
