"""投诉建议: what people say of the platform itself, with a receipt, an answer and a call back."""
