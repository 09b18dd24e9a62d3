"""SNS topics and SQS queues, as `components/groundplan_components/events/queues.py` declares them: at least once, in no order."""
