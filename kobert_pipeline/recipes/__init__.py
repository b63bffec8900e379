"""Recipes that come with the project: YAML, `<system>-<size>.yaml` by the name people know."""
