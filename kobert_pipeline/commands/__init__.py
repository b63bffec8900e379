"""The commands of `kobert`: one file per command."""
