"""投诉建议: what people say of the service and the platform, with a receipt, an answer and a call back.

国办函〔2026〕12号 asks for it. Anyone may write, without an account. Leaves feedback.submitted, feedback.answered,
feedback.reviewed, feedback.called (a telephone number was read) and, when nobody answered in time, feedback.lapsed.
Records carry no words.
"""
