"""通知: who is told what, when and by which channel; from the outbox, never on the way of a request."""
