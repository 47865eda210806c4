"""What is done all the same and ought to be known: in a header, as the document's answers have no room."""

HEADER = "X-Schema-Ignored"
LONGEST = 400


def telling(problem: str | None) -> dict[str, str]:
    """Why records are not checked by their entity type's schema; nothing if they are."""
    if problem is None:
        return {}
    # A stranger's words: what is no plain character ends no header.
    plain = problem.encode("ascii", "backslashreplace").decode()
    return {HEADER: "".join(letter if letter.isprintable() else "?" for letter in plain)[:LONGEST]}
