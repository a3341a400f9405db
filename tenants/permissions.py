"""Who may do what: reading takes a viewer, everything else the role that the view names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from core.errors import NotPermitted, NotSignedIn
from tenants.models import ApiKey, Role, User

if TYPE_CHECKING:
    # REST framework loads the permissions while it makes its views.
    from rest_framework.views import APIView


class RolePermission(BasePermission):
    """Signed in, and of the role that `view.writing_role` asks for (an operator where it says nothing).

    A view with `for_people_alone` changes nothing for those who come with an API key: a key that leaked must not make
    itself others.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True, or raises NotSignedIn or NotPermitted."""
        user = request.user
        if not isinstance(user, User):
            raise NotSignedIn("Sign in first: POST /auth, then send Authorization: Bearer <token>.")
        reads = request.method in SAFE_METHODS or getattr(view, "reads_by_post", False)
        needed = Role.VIEWER if reads else getattr(view, "writing_role", Role.OPERATOR)
        if not user.may(needed):
            have = f"the key is of the role {user.limit.value}" if user.limit else f"you are {user.role}"
            raise NotPermitted(f"This takes the role {needed.value}; {have}.")
        if isinstance(request.auth, ApiKey) and not reads and getattr(view, "for_people_alone", False):
            raise NotPermitted("An API key cannot do this. Sign in as a person.")
        return True
