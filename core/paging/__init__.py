"""Lists as bare arrays: pages by number for people, by key for programs.

    JOBS = Listing(row=answers.Job, order=["-id"], columns={"name": "name"}, tokens=JOB_TOKENS)

    wanted = list_parameters(request, ListParameters)
    return JOBS.page(request, jobs, wanted, render=job_document, at=timezone.now())

Pages by number end at record 10,000, because the database reads and throws away everything before a page; pages by key
(`searchAfter`) cost the same anywhere.
"""

from core.paging.listings import Column, Having, Listing
from core.paging.pages import page
from core.paging.parameters import (
    FURTHEST_RECORD,
    LONGEST_QUERY,
    PLACE,
    SEARCH_AFTER,
    GroupParameters,
    HavingParameters,
    ListParameters,
    PageParameters,
    SortedPageParameters,
    list_parameters,
)
from core.paging.sorting import ordering

__all__ = [
    "FURTHEST_RECORD",
    "LONGEST_QUERY",
    "PLACE",
    "SEARCH_AFTER",
    "Column",
    "GroupParameters",
    "Having",
    "HavingParameters",
    "ListParameters",
    "Listing",
    "PageParameters",
    "SortedPageParameters",
    "list_parameters",
    "ordering",
    "page",
]
