"""Every way in which customers, people, their keys and their tokens change."""

from tenants.services.customers import NewCustomer, create_activation_key, create_customer
from tenants.services.keys import create_key, key_of, revoke_key
from tenants.services.people import add_person, change_person, create_user, remove_person, set_password
from tenants.services.signing_in import (
    JWT_ALGORITHM,
    Tokens,
    access_token,
    authenticate,
    begin_session,
    refresh,
    sign_in,
    sign_out,
    user_of_session,
)

__all__ = [
    "JWT_ALGORITHM",
    "NewCustomer",
    "Tokens",
    "access_token",
    "add_person",
    "authenticate",
    "begin_session",
    "change_person",
    "create_activation_key",
    "create_customer",
    "create_key",
    "create_user",
    "key_of",
    "refresh",
    "remove_person",
    "revoke_key",
    "set_password",
    "sign_in",
    "sign_out",
    "user_of_session",
]
