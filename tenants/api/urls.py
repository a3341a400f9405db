"""Signing in, for programs and for browsers; people and their keys."""

from django.urls import path

from tenants.api.views.keys import KeysView, KeyView
from tenants.api.views.signing_in import RefreshView, SignInPage, SignInView, SignOutPage, SignOutView
from tenants.api.views.users import PasswordView, UsersView, UserView

urlpatterns = [
    path("auth", SignInView.as_view(), name="auth"),
    path("auth/refresh", RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", SignOutView.as_view(), name="auth-logout"),
    path("sign-in", SignInPage.as_view(), name="sign-in"),
    path("sign-out", SignOutPage.as_view(), name="sign-out"),
    path("pm/v1/users", UsersView.as_view(), name="users"),
    path("pm/v1/users/<uuid:user_id>", UserView.as_view(), name="user"),
    path("pm/v1/users/<uuid:user_id>/password", PasswordView.as_view(), name="user-password"),
    path("pm/v1/keys", KeysView.as_view(), name="keys"),
    path("pm/v1/keys/<uuid:key_id>", KeyView.as_view(), name="key"),
]
