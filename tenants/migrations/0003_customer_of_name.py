"""Whose name is this? Asked by commands that work for one customer: an operator knows its name."""

from django.db import migrations

from core.walls import lookup


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_walls")]

    operations = [
        *lookup("tenants_customer_of_name", argument="text", table="tenants_customer", key="name", reads=["id", "name"]),
    ]
