"""
The events that this package sends, after the change is committed.

Each carries an ``enrollment`` (``learning_paths.data.EnrollmentData``) or an ``invitation``
(``learning_paths.data.InvitationOutcome``). A receiver that raises is logged and undoes nothing.

``step_enrollments_waiting`` is for this package's own receiver: what waits is to be carried out.
"""

from __future__ import annotations

from django.dispatch import Signal
from openedx_events.tooling import OpenEdxPublicSignal

from learning_paths.data import EnrollmentData, InvitationOutcome

# .. event_type: org.openedx.learning.learning_path.enrollment.activated.v1
# .. event_name: LEARNING_PATH_ENROLLMENT_ACTIVATED
# .. event_description: A learner was enrolled in a learning path, for the first time or again.
# .. event_data: EnrollmentData
LEARNING_PATH_ENROLLMENT_ACTIVATED = OpenEdxPublicSignal(
    event_type="org.openedx.learning.learning_path.enrollment.activated.v1",
    data={"enrollment": EnrollmentData},
)

# .. event_type: org.openedx.learning.learning_path.enrollment.deactivated.v1
# .. event_name: LEARNING_PATH_ENROLLMENT_DEACTIVATED
# .. event_description: A learner was unenrolled from a learning path.
# .. event_data: EnrollmentData
LEARNING_PATH_ENROLLMENT_DEACTIVATED = OpenEdxPublicSignal(
    event_type="org.openedx.learning.learning_path.enrollment.deactivated.v1",
    data={"enrollment": EnrollmentData},
)

# .. event_type: org.openedx.learning.learning_path.invitation.created.v1
# .. event_name: LEARNING_PATH_INVITATION_CREATED
# .. event_description: An address without an account was invited to a learning path, or invited again.
# .. event_data: InvitationOutcome
LEARNING_PATH_INVITATION_CREATED = OpenEdxPublicSignal(
    event_type="org.openedx.learning.learning_path.invitation.created.v1",
    data={"invitation": InvitationOutcome},
)

step_enrollments_waiting = Signal()
"""Sent with ``ids``, a list of ids of ``StepEnrollment`` rows, once they are committed."""
