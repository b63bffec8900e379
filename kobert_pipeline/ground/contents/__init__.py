"""One reader class per artifact, with a typed summary. Nobody else reads a manifest."""
