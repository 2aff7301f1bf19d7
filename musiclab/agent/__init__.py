"""A server of the Model Context Protocol: the whole jobs of `musiclab.recipes`, for agents.

An agent sees the songs of one folder by their names, and asks for jobs; what they make lies in another folder. It can
reach nothing else. Each job is a process of its own, with one JSON file that tells how far it is: it outlives the call
that asked for it, and the server too.

* `confined`: opening files below a folder, and nowhere else;
* `records`, `jobs`: what a job is, and the desk that starts, tells and stops jobs;
* `answered`, `children`: whether a request was answered before; the processes of jobs, and the spare one that waits;
* `work`, `decode`: the two programs that do a job, the second one with limits, since files can be anything;
* `server`, `web`: the tools, over standard input and output or HTTP.
"""
