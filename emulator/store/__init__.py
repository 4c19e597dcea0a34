"""What is kept on disk: one SQLite file, and blobs in a content-addressed folder."""
