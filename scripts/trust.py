"""The certificate authorities this machine trusts, as a trust store that Java reads: `trust.py FILE`.

A Java that does not come from the machine knows none of the authorities its owner added, and a network that inspects
traffic answers with certificates of one.
"""

import re
import ssl
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

PASSWORD = "changeit"  # Java's own default: nothing in the file is secret, but Java wants a password


def authorities() -> list[x509.Certificate]:
    """Certificates from where OpenSSL looks on this machine, each once; one that cannot be read is passed over."""
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else sorted(Path(paths.capath).iterdir()) if paths.capath else []
    found: dict[bytes, x509.Certificate] = {}
    for path in filter(Path.is_file, files):
        for text in re.findall(
            rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", path.read_bytes(), re.DOTALL
        ):
            try:
                certificate = x509.load_pem_x509_certificate(text)
            except ValueError:
                continue
            found.setdefault(certificate.public_bytes(Encoding.DER), certificate)
    return list(found.values())


def write_store(path: Path) -> None:
    entries = [pkcs12.PKCS12Certificate(found, b"%d" % number) for number, found in enumerate(authorities())]
    path.write_bytes(pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(PASSWORD.encode())))


if __name__ == "__main__":
    write_store(Path(sys.argv[1]))
