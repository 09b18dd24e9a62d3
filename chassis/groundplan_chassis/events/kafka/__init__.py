"""Kafka: MSK with IAM in the cloud; a broker with SCRAM or in plain text locally."""
