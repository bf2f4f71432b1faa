"""What a submission is compared with: the evidence of the reference and of its wrong versions."""
