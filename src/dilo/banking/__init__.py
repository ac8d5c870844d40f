"""Bank statements: read, matched to parties and documents, posted or reviewed by people."""
