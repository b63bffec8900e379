"""One reader class per artifact, each with a typed summary. No other package reads `manifest.summary`."""
