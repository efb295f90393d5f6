"""VASP's files, texts in and arrays out. Light on purpose: nothing but numpy is imported, and that where needed."""
