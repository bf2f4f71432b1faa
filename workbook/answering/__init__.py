"""Answers in the notebook: public examples, judged and diagnosed as in grading."""
