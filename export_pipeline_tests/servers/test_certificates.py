"""A certificate is good for its name and is its own issuer's."""

import ssl
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from export_pipeline_tests.servers.certificates import certify


def test_a_certificate_is_for_one_name_and_its_own_issuers(tmp_path: Path) -> None:
    name = x509.IPAddress(ip_address("127.0.0.1"))

    made = certify(name, tmp_path)

    certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [name]
    assert certificate.subject == certificate.issuer
    certificate.verify_directly_issued_by(certificate)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.certificate, made.key)
