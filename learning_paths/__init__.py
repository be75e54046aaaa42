"""Learning paths for the Open edX LMS: ordered sets of course runs in which learners enroll as one."""

__version__ = "0.1.0"
