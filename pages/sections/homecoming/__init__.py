"""What came in since a person last settled it: the summary on the page Classify."""
