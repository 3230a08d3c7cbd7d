"""The board at `/`: pages for the operator."""
