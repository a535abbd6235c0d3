"""All sources, the one to believe first: of two that quote the same, the earlier counts."""

from __future__ import annotations

from outlay.refresh.sources import aws_advisor, aws_spot, azure_retail, gpuhunt

# AWS's own feed before gpuhunt, which takes the cheapest zone; Azure's API before gpuhunt's copy.
SOURCES = (aws_spot.SOURCE, azure_retail.SOURCE, aws_advisor.SOURCE, *gpuhunt.SOURCES)
