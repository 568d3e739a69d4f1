"""Drives a real server by schemathesis: every operation of its document, with data that is allowed and data
that is not. `scripts/test api` makes the environment and calls this with the server's binary."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

HERE = Path(__file__).parent
SECRET = "a secret of more than thirty-two bytes"
METRICS_TOKEN = "another secret of more than thirty-two bytes"

# Polls and heartbeats as short as they go, so that none outlasts its request; and no limit to how much one user
# may ask: what is tested here is each answer, and 429 would be nearly all of them.
OPTIONS = ["--max-wait", "5", "--heartbeat", "1", "--user-rate", "0", "--log", "error", "--metrics-token", METRICS_TOKEN]


def seed(url, token):
    """Three rooms of five messages: those of schemathesis.toml."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    for _ in range(3):
        room = session.post(f"{url}/v1/rooms", json={"title": "점심", "members": ["bob"]}).json()["id"]
        for number in range(5):
            key = {"Idempotency-Key": f"seed-{number}"}
            session.post(f"{url}/v1/rooms/{room}/messages", json={"text": "hi"}, headers=key).raise_for_status()


def main(binary):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAT_")}
    environment["CHAT_JWT_SECRET"] = SECRET
    mint = [binary, "token", "--user", "alice", "--ttl", "1h"]
    token = subprocess.run(mint, env=environment, check=True, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        serve = [binary, "--listen", "127.0.0.1:0", "--database", f"{folder}/chat.db", *OPTIONS]
        server = subprocess.Popen(serve, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().strip().removeprefix("listening on ")
            seed(url, token)
            test = [Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml", "run"]
            test += [f"{url}/openapi.json", *sys.argv[2:]]
            environment |= {"CHAT_TOKEN": token, "CHAT_METRICS_TOKEN": METRICS_TOKEN}
            environment |= {"CHAT_HOOKS": str(HERE / "hooks.py")}
            # Its caches belong to the run.
            tested = subprocess.run(test, env=environment, cwd=folder)
            if server.poll() is not None:
                sys.exit("the server did not survive it")
            sys.exit(tested.returncode)
        finally:
            server.terminate()
            server.wait()


main(sys.argv[1])
