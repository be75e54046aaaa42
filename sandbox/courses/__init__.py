"""Course runs and course enrollments: as much of the LMS's courseware as the plugin asks for."""
