"""Rows counted for somebody who waits, and what they are told where the source cannot be read."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from export_pipeline.api.visits import Visit
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.exports.plan import TablePlan

LOG = logging.getLogger("export_pipeline.api")


def counted(visit: Visit, plans: Sequence[TablePlan], since: datetime, until: datetime) -> Mapping[str, int]:
    """The rows of each table in `[since, until)`, as `Deployment.estimate` counts them for the visitor.

    TransientFailure also where somebody has to mend the source: that is not for whoever asks to do.
    """
    try:
        return visit.deployment.estimate(visit.organization, plans, since, until)
    except PermanentFailure as failure:
        LOG.error("request=%s the rows cannot be counted: %s", visit.request_id, failure)  # noqa: TRY400
        raise TransientFailure(
            f"the rows cannot be counted until the operator has mended this: {failure}"
        ) from failure
