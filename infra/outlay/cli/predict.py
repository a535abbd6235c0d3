"""`outlay predict`: what deployments show under loads, for machines, as JSON lines."""

from __future__ import annotations

from typing import BinaryIO

import click


@click.command()
@click.argument("records", type=click.File("rb"), default="-")
def predict(records: BinaryIO) -> None:
    """Predict speed and latency of measurement records, JSON lines in and out.

    RECORDS is a file or, without one, standard input. Each line is one record: model, gpu,
    load_kind with its amount (concurrency, request_rate_per_s, batch_size or prompt_count),
    input_tokens, output_tokens, and whatever else is known of the deployment. Each answer has the
    id and output_tokens_per_s (low and high bound it with 80 %), tpot_ms, ttft_ms and a grade, or
    the id and an error.
    """
    from outlay.reporting.output import forget_output
    from outlay.sizing.json_lines import answers

    try:
        for line in answers(records):
            click.echo(line)
    except BrokenPipeError:
        forget_output()
