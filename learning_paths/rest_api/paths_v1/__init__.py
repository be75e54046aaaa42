"""
Version 1 under ``/api/learning_paths/``, in the contract of OpenCraft's ``learning-paths-plugin`` 0.5.0. See ADR 0012.

For its micro-frontend, ``frontend-app-learning-paths``, and for scripts that were written for it. Routes, fields and
statuses are as that version answers them; who may see and do what is as everywhere else here.
"""
