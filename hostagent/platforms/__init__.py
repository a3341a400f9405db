"""What differs between kinds of machines: processes, locks, files, pipes and a machine's own facts.

`posix` and `windows` have modules of the same names with the same functions. The modules above them (`processes`,
`lock`, `files`, `machine`) choose one when they are imported, so that the other is never loaded.
"""
