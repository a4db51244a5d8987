"""Certificates for a simulated agency: an authority of its own, one for the server, one for the client."""

from pathlib import Path

import trustme


def make_certificates(folder: Path) -> dict[str, str]:
    """Write PEM files into a folder; answers the paths of `ca`, `server`, `server_key`, `certificate` and `key`."""
    folder.mkdir(parents=True, exist_ok=True)
    root = trustme.CA(organization_name="simulated authority")
    server, client = root.issue_cert("127.0.0.1", "localhost"), root.issue_cert("jifen-zone@example.org")
    parts = {
        "ca": root.cert_pem,
        "server": server.cert_chain_pems[0],
        "server_key": server.private_key_pem,
        "certificate": client.cert_chain_pems[0],
        "key": client.private_key_pem,
    }
    paths = {name: folder / f"{name}.pem" for name in parts}
    for name, path in paths.items():
        path.touch(mode=0o600)
        path.write_bytes(parts[name].bytes())
    return {name: str(path.absolute()) for name, path in paths.items()}
