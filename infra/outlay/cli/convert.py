"""`outlay convert FILE`: the specification's LLMDeployments as objects that clusters know."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Turn LLMDeployment documents into real Kubernetes objects.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--provider", default="aws", show_default=True, help="Whose nodes they will run on.")
@click.option("--gpu", default="", help="GPU type, where the document's is missing or unclear.")
@click.option("--checkpoint", default="", help="Hugging Face repository of quantised weights.")
def convert(file: Path, provider: str, gpu: str, checkpoint: str) -> None:
    """Read LLMDeployments, a kind that no cluster has, and print objects that do the same.

    What became of fields without a counterpart goes to standard error. Unknown fields are refused.
    """
    from outlay.catalog import load_catalog
    from outlay.serving import legacy
    from outlay.serving.convert import Request
    from outlay.serving.convert import convert as convert_one
    from outlay.serving.render import render
    from outlay.serving.write import file_text
    from outlay.serving.yaml_text import parse_documents

    catalog = load_catalog()
    request = Request(
        provider=catalog.provider_names.resolve(provider), gpu=gpu, checkpoint=checkpoint
    )
    for document in parse_documents(file.read_text(encoding="utf-8"), source=str(file)):
        found = legacy.read(document, source=str(file))
        converted = convert_one(found, catalog, request=request)
        (manifests,) = render(converted.plan, serving=converted.serving)
        for note in converted.notes:
            click.echo(f"{found.metadata.name}: {note}", err=True)
        for item in manifests.objects:
            if item.kind not in ("CustomResourceDefinition", "DaemonSet"):
                click.echo(f"---\n{file_text(item)}", nl=False)
