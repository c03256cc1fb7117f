"""What Prometheus is told: requests, queue, predictions, workers, disk.

Requests are counted in the web process (``requests``), which is one for each address that is scraped. What workers do
is counted in Redis (``tally``), since each is a process of its own and none of them is scraped. What is so just now is
asked when it is scraped (``platform``), by queries that cost the same at a million rows.
"""
