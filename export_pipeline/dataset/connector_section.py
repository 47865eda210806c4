"""Connectors declared beside the dataset. Which types there are, and what they ask for, others know."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from export_pipeline.dataset.environment import filled, variables_in
from export_pipeline.dataset.mistakes import Mistakes
from export_pipeline.dataset.positions import Place, Position, Positions
from export_pipeline.dataset.section import Section
from export_pipeline.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSection:
    """What the declaration says of one connector. `organization` None: the default one's.

    `values` are its type and configuration as they are written, variables not looked up.
    """

    name: str
    organization: str | None
    type: str
    values: Mapping[str, Any] = field(repr=False)  # somebody may have written a secret there
    file: Path
    text: str = field(repr=False, compare=False)
    environ: Mapping[str, str] = field(repr=False, compare=False)

    @property
    def place(self) -> Place:
        return ("connectors", self.name)

    @property
    def position(self) -> Position:
        return Positions(self.text).of_key(self.place)

    @property
    def variables(self) -> Sequence[str]:
        """The environment variables that it is filled from."""
        return sorted(set(variables_in(self.values)))

    def filled(self) -> dict[str, Any]:
        """Its type and configuration, with the values of environment variables in their places."""
        try:
            return filled(self.values, self.environ)
        except InvalidRequest as error:
            self.refuse(error)

    def refuse(self, problem: InvalidRequest) -> NoReturn:
        """The problem once more, with the place in the file where its field stands."""
        mistakes = Mistakes(self.file, self.text)
        mistakes.add((*self.place, *_way_to(problem.field)), _without_field(problem))
        mistakes.raise_any()
        raise AssertionError("a mistake was added")


def connector_sections(
    document: Section, file: Path, text: str, environ: Mapping[str, str] = os.environ
) -> Iterator[ConnectorSection]:
    """The connectors of a declaration; what is no connector at all is reported."""
    every = document.section("connectors")
    for name in every.values if every else ():
        assert every is not None
        section = every.section(name)
        if section is None:
            continue
        section.require("type", 'write what it leads to, like type = "s3"')
        type_ = section.text("type")
        organization = section.text("organization")
        if type_ is not None:
            yield ConnectorSection(
                name=name,
                organization=organization,
                type=type_,
                values={key: value for key, value in section.values.items() if key != "organization"},
                file=file,
                text=text,
                environ=environ,
            )


def _way_to(field_: str | None) -> Sequence[str | int]:
    return [int(part) if part.isdecimal() else part for part in field_.split(".")] if field_ else ()


def _without_field(problem: InvalidRequest) -> str:
    """The message alone: the field is named before it, with the way to it."""
    return str(problem).removeprefix(f"{problem.field}: ")
