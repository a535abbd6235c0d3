"""What a model needs: memory, speed, and the request rate that a replica holds inside its SLO."""
