"""A library of songs through one job: on the processes of this machine, or on a cluster of dask workers.

`run` plans and keeps the books; `pool` and `cluster` are where the work goes; `perform` is the work on one song;
`places` are the folders and addresses that songs come from and results go to.
"""
