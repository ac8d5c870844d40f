"""What a customer sends back or complains of: return requests and claims, with photographs
(claims — рекламації)."""
