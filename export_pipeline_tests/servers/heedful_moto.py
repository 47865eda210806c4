"""moto's server, which heeds If-Match also where parts are joined, as Amazon and SeaweedFS do. A program."""

import sys
from typing import Any

from moto.s3.exceptions import MissingKey, PreconditionFailed
from moto.s3.responses import S3Response
from moto.server import main

read_parts = S3Response._complete_multipart_body


def read_parts_on_condition(response: S3Response, body: bytes) -> Any:
    """The parts to join; asked for when it is known that who asks may join them, and before that is done."""
    wanted = response.headers.get("If-Match")
    if wanted:
        found = response.backend.get_object(response.bucket_name, response.parse_key_name())
        if found is None:
            raise MissingKey
        if found.etag.strip('"') != wanted.strip('"'):
            raise PreconditionFailed("If-Match")
    return read_parts(response, body)


if __name__ == "__main__":
    S3Response._complete_multipart_body = read_parts_on_condition  # type: ignore[assignment]
    main(sys.argv[1:])
