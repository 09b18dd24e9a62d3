"""SNS topics and SQS queues, as `components/queues.py` declares them: at least once, in no order."""
