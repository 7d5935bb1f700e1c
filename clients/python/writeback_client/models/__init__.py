"""What the API answers, subject by subject. The service answers with these models, and the client reads with them."""
