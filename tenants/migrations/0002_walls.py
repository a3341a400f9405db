"""Row-level security, composite foreign keys and rights: see core/walls.py."""

from django.db import migrations

from core.walls import lookup, open_to_all, wall


class Migration(migrations.Migration):
    dependencies = [("core", "0002_walls"), ("tenants", "0001_initial"), ("sessions", "0001_initial")]

    operations = [
        *wall("tenants_customer", own_rows="id = nullif(current_setting('app.customer_id', true), '')::bigint"),
        *wall("tenants_user"),
        *wall("tenants_signin", references={"user_id": "tenants_user"}),
        *wall("tenants_accesstoken", references={"sign_in_id": "tenants_signin"}),
        *wall("tenants_refreshtoken", references={"sign_in_id": "tenants_signin"}),
        *wall("tenants_activationkey"),
        *open_to_all("django_session"),
        # A customer's number is taken before its row is written: the row's own policy asks for it.
        migrations.RunSQL(
            "GRANT USAGE ON SEQUENCE tenants_customer_id_seq TO patch_worker", reverse_sql=migrations.RunSQL.noop
        ),
        # Whose is it? Asked by those who sign in, before anybody knows.
        *lookup(
            "tenants_customer_of_username",
            argument="text",
            table="tenants_user",
            key="username",
            reads=["customer_id", "username"],
        ),
        *lookup(
            "tenants_customer_of_access_token",
            argument="uuid",
            table="tenants_accesstoken",
            key="jti",
            reads=["customer_id", "jti"],
        ),
        *lookup(
            "tenants_customer_of_refresh_token",
            argument="text",
            table="tenants_refreshtoken",
            key="digest",
            reads=["customer_id", "digest"],
        ),
        *lookup(
            "tenants_customer_of_activation_key",
            argument="text",
            table="tenants_activationkey",
            key="digest",
            reads=["customer_id", "digest"],
        ),
    ]
