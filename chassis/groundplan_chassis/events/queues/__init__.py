"""SNS topics and SQS queues, as `groundplan_components.events.queues` declares them: at least once, in no order."""
