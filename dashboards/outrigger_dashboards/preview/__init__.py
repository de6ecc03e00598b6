"""Pictures of the boards, for documents: the shipped JSON, drawn with what a Prometheus has."""
