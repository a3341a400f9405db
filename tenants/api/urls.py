"""Signing in, for programs and for browsers."""

from django.urls import path

from tenants.api.views import RefreshView, SignInPage, SignInView, SignOutPage, SignOutView

urlpatterns = [
    path("auth", SignInView.as_view(), name="auth"),
    path("auth/refresh", RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", SignOutView.as_view(), name="auth-logout"),
    path("sign-in", SignInPage.as_view(), name="sign-in"),
    path("sign-out", SignOutPage.as_view(), name="sign-out"),
]
