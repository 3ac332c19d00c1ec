"""Where tables may stand: a path or S3, what deltalake has to be told about it, and what its errors mean."""

import os
import re
from urllib.parse import unquote, urlsplit

from soundalike.errors import UsageError


def location(root: str | os.PathLike[str]) -> str:
    """A root as deltalake wants it: a plain path without a slash at its end, or `s3://bucket/prefix`.

    Raises:
        UsageError: neither a path nor file://, s3:// or s3a://.
    """
    text = os.fspath(root).strip()
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    if scheme is None:
        plain = text
    elif scheme[1].lower() == "file":
        plain = unquote(urlsplit(text).path)
    elif scheme[1].lower() in ("s3", "s3a"):  # one store under two names: Hadoop's and everybody else's
        plain = f"s3://{text[scheme.end() :]}"
    else:
        raise UsageError(f"root {text}: expected a path, file://, s3:// or s3a://, found {scheme[0]}")
    if not plain or plain.startswith("s3:///") or plain == "s3://":
        raise UsageError(
            f"root {text!r} names no {'bucket' if plain else 'path'}: expected a path, file://, s3:// or s3a://"
        )
    return plain.rstrip("/") or "/"


def storage_options(root: str, endpoint: str | None, region: str | None, path_style: bool) -> dict[str, str]:
    """deltalake's options for `root` (as `location` returns it); credentials are never among them."""
    if not root.startswith("s3://"):
        return {}
    # Without this, a custom endpoint makes deltalake skip profiles and every other part of the usual chain.
    options = {"aws_force_credential_load": "true"}
    if region:
        options["aws_region"] = region
    if endpoint:
        # Under the virtual-hosted style object_store wants the bucket in the endpoint.
        bucket = root.removeprefix("s3://").split("/")[0]
        options["aws_endpoint"] = endpoint if path_style else endpoint.replace("://", f"://{bucket}.", 1)
    if not path_style:
        options["aws_virtual_hosted_style_request"] = "true"
    if (endpoint or os.environ.get("AWS_ENDPOINT_URL", "")).startswith("http://"):
        options["aws_allow_http"] = "true"
    return options


def plainly(what: str, root: str, error: str) -> str:
    """One readable line for the text of an error of deltalake, which is a chain over many lines, in color.

    Args:
        what: what could not be read.
        root: as `location` returns it.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", error)
    # The last link of the chain is the machine's metadata service: its refusal means that nothing else was found.
    if re.search(r"loading credentials|no credentials found|169\.254\.169\.254", text):
        return (
            f"no S3 credentials for {root}: none in the environment, a profile, a container or an instance role; "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        )
    answer = re.search(r"<Code>(.*?)</Code><Message>(.*?)</Message>", text)  # S3's own words, deep in the chain
    line = f"{answer[1]}: {answer[2]}" if answer else " ".join(text.replace("↳", ":").split()).replace(" :", ":")
    if len(line) > 300:
        line = f"{line[:140]} … {line[-140:]}"
    return f"{what} cannot be read: {line}"
