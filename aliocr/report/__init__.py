"""One self-contained HTML page of what a job has read: totals, failures, pictures, texts.

`aliocr.report.writing` writes it. Pictures in it need the extra `pictures`; without them nothing.
"""
