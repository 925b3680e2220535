"""The command `foretype serve`: llama-server's requests, answered from the daemon's model.

Turns a command line into a server and says where it listens; decides nothing itself.
"""

from __future__ import annotations

import asyncio

import click


@click.command()
@click.option(
    "--port", default=8012, show_default=True, type=click.IntRange(0, 65535), help="0 is any free one."
)
@click.option(
    "--token",
    default="",
    envvar="FORETYPE_SERVE_TOKEN",
    help="What clients have to send as their API key; best set as FORETYPE_SERVE_TOKEN.",
)
def serve(port: int, token: str) -> None:
    """Answer plugins that were made for llama-server, in its place.

    llama.vim, llama.vscode, minuet-ai and others ask it on a loopback port: /infill, /completion,
    /v1/completions, /health and /props. The answers come from the model that editors with foretype use,
    and are checked as theirs are. Pages in a browser are refused. Ctrl+C ends it; the daemon stays.
    """
    asyncio.run(_serve(port, token))


async def _serve(port: int, token: str) -> None:
    from ..client.client import DaemonClient
    from ..http.server import HttpServer
    from ..process.loopback import LOOPBACK

    client = DaemonClient(name="foretype serve")
    server = HttpServer(client, token)
    client.on_model = server.on_model

    def ready(actual: int) -> None:
        click.echo(f"Listening at http://{LOOPBACK}:{actual}/infill for llama.vim, and at")
        click.echo(f"http://{LOOPBACK}:{actual}/v1/completions for others. Ctrl+C ends it.")

    loading = asyncio.create_task(client.load())
    try:
        await server.serve(port, ready)
    finally:
        loading.cancel()
        await client.aclose()
