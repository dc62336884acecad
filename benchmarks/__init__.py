"""How fast and how exact the losses are, next to what a user would pick instead.

`pytest benchmarks` times every workload with every provider under pytest-benchmark.
`python -m benchmarks.report` races the providers against each other and writes a table and a picture.
`python -m benchmarks.accuracy` prints the worst error of value, gradient and Hessian in ULP.

A workload is a loss and the arrays it gets (workloads.py), a provider a way to compute it (providers.py).
Both are data: a loss that enters `fastloss.LOSSES` gets its rows from its declaration, with no list to edit
here.
"""
