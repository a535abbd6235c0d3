"""One adapter a source; each turns what the source publishes into quotes."""
