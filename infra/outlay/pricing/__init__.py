"""What a declared resource costs, from one price book."""
