"""What is said in chats and SMS: threads, the hand-over to a person, what was not understood
(conversations — розмови)."""
