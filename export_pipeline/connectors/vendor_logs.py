"""What the stores' clients say in logs: warnings and worse.

Below that they tell whole requests, with `Authorization` fields and with addresses that hold signatures.
"""

import logging

# Each with everything below it.
VENDORS = (
    "azure",
    "boto3",
    "botocore",
    "google",
    "msal",
    "requests",
    "requests_oauthlib",
    "s3transfer",
    "urllib3",
)

# Where they warn of what ends in an error of ours, at great length and without our cure.
TOLD_ANYWAY = ("azure.identity", "azure.storage")


def silence() -> None:
    """Let them give warnings only, also where somebody wants to see everything, and none of what we say."""
    for vendor in VENDORS:
        logger = logging.getLogger(vendor)
        logger.setLevel(max(logger.level, logging.WARNING))
        for name, child in list(logging.root.manager.loggerDict.items()):
            if name.startswith(f"{vendor}.") and isinstance(child, logging.Logger) and child.level:
                child.setLevel(max(child.level, logging.WARNING))
    for name in TOLD_ANYWAY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
