"""Sessions of Amazon's client that heed nothing of what this machine's environment and files say of Amazon.

Those are the operator's, for programs of their own: a customer's connector alone says whom to ask, and how.
"""

import os

import botocore.session
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.exceptions import ProfileNotFound

from export_pipeline.connectors.authorities import authorities

SECTIONS = ("s3", "proxies_config")


def session_of_its_own(region: str) -> botocore.session.Session:
    """A session that finds no credentials either, and trusts whom the operator trusts."""
    session = botocore.session.Session()
    said = session.get_component("config_store")
    for name, (_in_file, _in_environment, default, _type) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        said.set_config_variable(name, default)
    for section in SECTIONS:
        said.set_config_variable(section, {})
    for file in ("config_file", "credentials_file"):
        said.set_config_variable(file, os.devnull)
    said.set_config_variable("region", region)
    said.set_config_variable("ca_bundle", trusted())
    return session


def trusted() -> str | None:
    """The file of certificates that Amazon's client trusts here: its own configuration may name one too."""
    try:
        found: str | None = botocore.session.Session().get_config_variable("ca_bundle")
    except ProfileNotFound:  # the file would say it in that
        found = None
    return found or authorities()
