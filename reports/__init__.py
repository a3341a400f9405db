"""Reports: what happened and what there is, as CSV files that workers write and anybody of the customer fetches."""
