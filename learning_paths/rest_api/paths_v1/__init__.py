"""
Version 1 under ``/api/learning_paths/``, in the contract of OpenCraft's ``learning-paths-plugin`` 0.5.0.

For its micro-frontend, ``frontend-app-learning-paths``, for course-discovery, and for scripts that were written for
that version. Routes, fields and statuses are as it answers them; who may see and do what is as everywhere else here.
ADR 0008 has the catalog and progress, ADR 0012 the enrollments.
"""
