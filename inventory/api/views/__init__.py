"""Views, one module per noun."""
