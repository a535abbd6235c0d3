"""outlay: size LLM serving, price it on every cloud, buy the cheapest fleet that keeps its promise."""
