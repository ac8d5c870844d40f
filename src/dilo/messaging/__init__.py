"""Getting a message to a person: Telegram, else SMS, else e-mail, with evidence of every attempt
(messaging — повідомлення).
"""
