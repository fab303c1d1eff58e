"""Images as one file, layers that they share once in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from actorkit_kit.errors import KitError


def save(client: DockerClient, tags: Sequence[str], target: Path) -> None:
    """Write images to a file that `docker load` and containerd's import take (Docker Engine API, "Export images").

    The SDK saves one image at a time, and with it each time the layers that all of them stand on.

    Raises:
        KitError: the engine does not give them, or the file cannot be written.
    """
    api = client.api
    url = f"{api.base_url}/v{api.api_version}/images/get"
    try:
        with (
            api.get(url, params={"names": list(tags)}, stream=True) as answer,
            target.open("wb") as file,
        ):
            if answer.status_code != 200:
                raise KitError(f"the images could not be saved: the engine said {answer.text.strip()}")
            file.writelines(answer.iter_content(1 << 20))
    except (DockerException, RequestException) as exc:
        raise KitError(f"the images could not be saved: {exc}") from exc
    except OSError as exc:
        raise KitError(f'"{target}" cannot be written: {exc.strerror}.') from exc
