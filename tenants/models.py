"""Customers, the people who work for them, and what they sign in with."""

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class CustomerQuerySet(models.QuerySet):
    """Where every query on a customer's rows starts."""

    def for_customer(self, customer_id: int) -> Self:
        """The customer's own rows. The database checks it once more."""
        return self.filter(customer_id=customer_id)


class Customer(models.Model):
    """A tenant: a company with a fleet of machines."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class CustomerOwned(models.Model):
    """A row of one customer's. Its table is walled by `core.walls.wall` in the migration that makes it."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_index=False, related_name="+")

    objects = CustomerQuerySet.as_manager()

    class Meta:
        abstract = True


class SameCustomerKey(models.ForeignKey):
    """A foreign key into another table of the same customer.

    Django makes no constraint for it: the migration adds a composite one over `(customer_id, …)`, which a plain key
    would not replace, since that accepts another customer's row.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs["db_constraint"] = False
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


class Role(models.TextChoices):
    """What a person may do in their customer; each includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


class User(AbstractBaseUser, CustomerOwned):
    """A person. The user name is unique over all customers, since signing in names no customer."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=150, unique=True)
    email = models.EmailField(blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices)
    # May sign in. Somebody who was removed never may again, and is kept for the sake of what they made.
    is_active = models.BooleanField(default=True)
    removed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    USERNAME_FIELD = "username"

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_has_a_known_role"),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(is_active=False), name="who_was_removed_may_not_sign_in"
            ),
        ]

    # Of somebody who comes with an API key: no more than the key may. No column, and of one request alone.
    limit: Role | None = None

    def __str__(self) -> str:
        return self.username

    @property
    def full_name(self) -> str:
        """First and last name, or the user name where both are empty."""
        return f"{self.first_name} {self.last_name}".strip() or self.username

    def may(self, role: Role) -> bool:
        """Whether this person, and the key that they come with, have `role` or one above it."""
        order = list(Role)
        has = min(order.index(one) for one in (Role(self.role), self.limit) if one is not None)
        return has >= order.index(role)


class SignIn(CustomerOwned):
    """One signing in: the family of tokens that grew from it. Revoking it kills them all at once."""

    user = SameCustomerKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)


class AccessToken(CustomerOwned):
    """The stateful half of a JWT: looked up by `jti` with each request, so that signing out works at once."""

    jti = models.UUIDField(unique=True, default=uuid.uuid4)
    sign_in = SameCustomerKey(SignIn, on_delete=models.CASCADE, related_name="access_tokens")
    expires_at = models.DateTimeField()


class RefreshToken(CustomerOwned):
    """A token that buys the next pair once. Its second use says that somebody copied it."""

    digest = models.CharField(max_length=64, unique=True)
    sign_in = SameCustomerKey(SignIn, on_delete=models.CASCADE, related_name="refresh_tokens")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def is_live(self, at: datetime) -> bool:
        """Whether it, its family and its person still stand; a used one is live in this sense."""
        return self.expires_at > at and self.sign_in.revoked_at is None and self.sign_in.user.is_active


class ApiKey(CustomerOwned):
    """What a program of a person's signs in with, until it is revoked. Stored as a digest; shown once."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = SameCustomerKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=200)
    # The most that it may do; its person's own role bounds it, too.
    role = models.CharField(max_length=16, choices=Role.choices)
    digest = models.CharField(max_length=64, unique=True)
    # The last characters of the key, by which people tell one from another.
    ending = models.CharField(max_length=8)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="api_key_has_a_known_role"),
        ]
        indexes: ClassVar = [
            # A person's keys.
            models.Index(fields=["customer", "user"], condition=Q(revoked_at=None), name="api_key_by_user"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_live(self, at: datetime) -> bool:
        """Whether it, and its person, still stand."""
        return self.revoked_at is None and self.user.is_active and (self.expires_at is None or at < self.expires_at)


class ActivationKey(CustomerOwned):
    """What a machine enrols with. Stored as a digest; shown once."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def is_live(self, at: datetime) -> bool:
        """Whether a machine may enrol with it at this moment."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
