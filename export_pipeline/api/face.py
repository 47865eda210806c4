"""A face: the words of one document for what the core does."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from export_pipeline.api.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Its routes, the addresses that are its own, and what a problem looks like in its words."""

    name: str
    prefixes: tuple[str, ...]
    routers: tuple[APIRouter, ...]
    answer: Callable[[Request, Problem], Response]

    def has(self, path: str) -> bool:
        """Whether the address is the face's, whether or not there is a route."""
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.prefixes)
