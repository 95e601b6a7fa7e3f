"""The photo library on disk: store, schema, files, embeddings, edits with undo, trash."""
