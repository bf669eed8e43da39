"""How a company has set up its Guichet, as one document that a person can read."""
