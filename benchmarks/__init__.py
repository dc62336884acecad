"""How fast and how exact the losses are, next to what a user would pick instead.

`python -m benchmarks` races the providers against each other, measures their errors in ULP, and writes a page.
`pytest benchmarks` times every workload with every provider under pytest-benchmark.

A workload is a loss and the arrays it gets (workloads.py), a provider a way to compute it (providers.py, peers.py).
Both are data: a loss that enters `fastloss.LOSSES` gets its rows from its declaration, with no list to edit
here. plan.py says which jobs a run has, jobs.py does them, records.py keeps what comes of them, verdicts.py draws the
conclusions, which markdown.py and html.py write down.
"""
