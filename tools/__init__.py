"""What only this repository runs: campaigns, generated references, the demo."""
