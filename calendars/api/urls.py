"""Calendars and pauses."""

from django.urls import path

from calendars.api.views import CalendarRefreshView, CalendarsView, CalendarView, FreezesView, PauseView

urlpatterns = [
    path("v1/calendars", CalendarsView.as_view(), name="calendars"),
    path("v1/calendars/<uuid:calendar_id>", CalendarView.as_view(), name="calendar"),
    path("v1/calendars/<uuid:calendar_id>/refresh", CalendarRefreshView.as_view(), name="calendar-refresh"),
    path("v1/calendars/<uuid:calendar_id>/freezes", FreezesView.as_view(), name="calendar-freezes"),
    path("v1/pause", PauseView.as_view(), name="pause"),
]
