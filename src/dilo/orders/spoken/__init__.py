"""An order in a person's own words: lines in any order and mix become what is sure, what must be
asked and what is unknown. Never guessed: doubt of any kind is a question.

``reading`` cuts a message into phrases, ``words`` knows units, politeness and alphabets,
``matching`` holds phrases against the catalogue and the customer's history. All pure.
"""
