"""The Azure server of the tests checks what the tests rely on."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ServiceRequestError
from azure.storage.blob import ContainerClient

from export_pipeline_tests.servers.azure import AzureServer, azurite, install_azurite


def test_it_ends_with_its_block(azure_server: AzureServer) -> None:
    assert azure_server  # so that it is installed, or the test skipped
    with azurite() as server:
        server.new_container()

    with pytest.raises(ServiceRequestError):
        server.new_container()


def test_what_is_installed_is_not_installed_again(azure_server: AzureServer) -> None:
    assert azure_server
    assert install_azurite() is None


def test_it_honours_conditions(azure_server: AzureServer) -> None:
    container = azure_server.client().get_container_client(azure_server.new_container())
    container.upload_blob("a", b"1", overwrite=False)

    with pytest.raises(ResourceExistsError):
        container.upload_blob("a", b"2", overwrite=False)


@pytest.mark.parametrize("credential", ["Z3Vlc3NlZA==", None])
def test_it_knows_its_account(azure_server: AzureServer, credential: str | None) -> None:
    container = azure_server.new_container()

    with pytest.raises(HttpResponseError, match="failed to authenticate"):
        ContainerClient(
            azure_server.endpoint_url, container, credential=credential, retry_total=0
        ).upload_blob("a", b"1")
