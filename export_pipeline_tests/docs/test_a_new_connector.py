"""docs/a-new-connector.md: its module is one that could be put where it says, and uses what there is."""

import ast
import importlib

from export_pipeline.connectors.connector import CONNECTOR_TYPES
from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.streamed import Sending
from export_pipeline_tests.docs.pages import blocks, page
from export_pipeline_tests.test_architecture import MOST_LINES

(TEXT,) = blocks(page("a-new-connector.md"), "python")
MODULE = ast.parse(TEXT)
CLASSES = {node.name: node for node in MODULE.body if isinstance(node, ast.ClassDef)}


def names_in(class_: str) -> set[str]:
    """What the class says of itself: its fields, properties and methods."""
    fields = {
        node.target.id
        for node in CLASSES[class_].body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assigned = {
        target.id
        for node in CLASSES[class_].body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return (
        fields | assigned | {node.name for node in CLASSES[class_].body if isinstance(node, ast.FunctionDef)}
    )


def promised(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


def test_it_is_short_enough_to_be_a_module() -> None:
    assert TEXT.count("\n") <= MOST_LINES


def test_whatever_it_takes_of_ours_is_there() -> None:
    taken = [
        (node.module, name.name)
        for node in MODULE.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("export_pipeline")
        for name in node.names
    ]

    assert len(taken) > 10
    assert [one for one in taken if not hasattr(importlib.import_module(one[0]), one[1])] == []


def test_it_promises_what_every_connector_does() -> None:
    of_all = {"type", "address", "shown_to", "inside", "row_limit", "location", "key_limits", "open"}

    assert of_all | {"operators_only"} <= names_in("SftpConfig")
    assert promised(Destination) <= names_in("SftpDestination")
    assert promised(Sending) <= names_in("SftpSending")
    assert "sftp" not in CONNECTOR_TYPES  # or the page is to be rewritten
