"""What to buy: the cheapest node pools that keep every workload's promise."""
