"""deploy/nginx/reelgate.conf in front of gateways, with a certificate of its own."""

import os
import subprocess

from places import ROOT
from stack.ports import free_port
from stack.process import spawn, wait_until
from stack.programs import get

AROUND = """daemon off; master_process off; pid {directory}/nginx.pid; error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
    include {directory}/reelgate.conf;
}}
"""


class Nginx:
    def __init__(self, directory, gateways):
        """gateways: their URLs."""
        os.makedirs(directory, exist_ok=True)
        self.certificate = os.path.join(directory, "certificate.pem")
        key = os.path.join(directory, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", key, "-out", self.certificate, "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True, timeout=30,
        )  # fmt: skip
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._write(directory, key, gateways)
        self.process = spawn(["nginx", "-p", directory, "-c", os.path.join(directory, "nginx.conf")],
                             log=os.path.join(directory, "nginx.log"))  # fmt: skip
        wait_until(lambda: "certificate" in get(self.url)[1].lower(), 10, "nginx", self.process)

    def _write(self, directory, key, gateways):
        with open(os.path.join(ROOT, "deploy", "nginx", "reelgate.conf"), encoding="utf-8") as file:
            text = file.read()
        instance = "    server 127.0.0.1:8080 "
        line = next(line for line in text.splitlines() if line.startswith(instance))
        instances = [line.replace("127.0.0.1:8080", url.removeprefix("http://")) for url in gateways]
        for was, now in [
            (line, "\n".join(instances)),
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("/etc/ssl/certs/reelgate.pem", self.certificate),
            ("/etc/ssl/private/reelgate.key", key),
        ]:
            assert text.count(was) == 1, was
            text = text.replace(was, now)
        for name, content in (("reelgate.conf", text), ("nginx.conf", AROUND.format(directory=directory))):
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(content)

    def close(self):
        self.process.stop(5)
